import { expect, test } from 'vitest';
import { FreshReads } from './fresh-reads.ts';

test('a read at an index below what was committed when it was asked is reported', () => {
  const check = new FreshReads();
  check.asked(1, 7);
  check.asked(2, 9);
  expect(check.answered(1, 3, 6)).toMatch(/index 6, and 7 was committed/);
  expect(check.answered(1, 3, 7)).toBeUndefined();
  expect(check.answered(2, 3, 7)).toMatch(/9 was committed/);
});

test('an answer to a read that nobody asked for is reported', () => {
  expect(new FreshReads().answered(5, 3, 6)).toMatch(/nobody asked for/);
});
