import { expect, test } from 'vitest';
import { Random } from './random.ts';

function draw(random: Random): number[] {
  return Array.from({ length: 20 }, () => random.next());
}

test('the same seed and stream draw the same numbers, others draw others', () => {
  expect(draw(new Random(7, 1))).toEqual(draw(new Random(7, 1)));
  expect(draw(new Random(7, 1))).not.toEqual(draw(new Random(8, 1)));
  expect(draw(new Random(7, 1))).not.toEqual(draw(new Random(7, 2)));
  expect(draw(new Random(7, 1))).not.toEqual(draw(new Random(7 + 2 ** 32, 1)));
});

test('whole() draws all of its range and nothing else', () => {
  const random = new Random(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.whole(3, 6)));
  expect([...seen].toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6]);
});

test('weighted() draws by weight, and never what weighs nothing', () => {
  const random = new Random(2);
  const counts = { often: 0, seldom: 0, never: 0 };
  for (let i = 0; i < 4_000; i++) {
    counts[
      random.weighted([
        [0, 'never'],
        [3, 'often'],
        [1, 'seldom'],
      ] as const)
    ]++;
  }
  expect(counts.never).toBe(0);
  expect(counts.often / counts.seldom).toBeCloseTo(3, 0);
});

test('sample() draws different items', () => {
  const random = new Random(3);
  const items = random.sample([1, 2, 3, 4, 5], 3);
  expect(new Set(items).size).toBe(3);
  expect(random.sample([1, 2], 5).toSorted((a, b) => a - b)).toEqual([1, 2]);
});
