import { expect, test } from 'vitest';
import { median, percentile, rounded } from './statistics.ts';

test.each([
  { values: [7], share: 0.99, found: 7 },
  { values: [3, 1, 2], share: 0.5, found: 2 },
  { values: [4, 3, 2, 1], share: 0.5, found: 2 },
  { values: Array.from({ length: 100 }, (_, place) => place + 1), share: 0.99, found: 99 },
  { values: Array.from({ length: 101 }, (_, place) => place + 1), share: 0.99, found: 100 },
  { values: [10, 9, 100], share: 1, found: 100 },
  { values: [10, 9, 100], share: 0, found: 9 },
])('percentile() of $values.length values at $share is $found', ({ values, share, found }) => {
  expect(percentile(values, share)).toBe(found);
});

test('percentile() refuses to make up a figure', () => {
  expect(() => median([])).toThrow(RangeError);
});

test('rounded() leaves a number', () => {
  expect([rounded(1.005, 1), rounded(12.3456), rounded(1 / 3, 0)]).toEqual([1, 12.35, 0]);
});
