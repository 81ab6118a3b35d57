import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestWord } from './nearest-word.ts';

test.each([
  ['memroy', 'memory'],
  ['comand', 'command'],
  ['Healthy-Threshold', 'healthy_threshold'],
  ['cpus', 'cpu'],
  ['xyz', undefined],
  ['a'.repeat(1000), undefined],
])('%s was meant as %s', (word, meant) => {
  expect(nearestWord(word, ['cpu', 'command', 'healthy_threshold', 'memory'])).toBe(meant);
});

test('the distance counts single edits and swaps', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abcd', 'abdc')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('ab', 'ba')).toBe(1);
});

test('the distance is a symmetric one that is 0 for equal words only', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (one, other) => {
      expect(editDistance(one, other)).toBe(editDistance(other, one));
      expect(editDistance(one, other) === 0).toBe(one === other);
    }),
  );
});
