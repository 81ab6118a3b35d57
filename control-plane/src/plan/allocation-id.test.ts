import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocationId } from './allocation-id.ts';
import { SeededRandom } from './seeded-random.ts';

test('ids have 26 characters of Crockford base 32 and sort by time', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 47), fc.nat(2 ** 47), fc.nat(), (one, other, seed) => {
      const random = new SeededRandom(seed);
      const [first, second] = [allocationId(one, random), allocationId(other, random)];
      expect(first).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
      if (one !== other) expect(first < second).toBe(one < other);
    }),
  );
});

test('ids of one moment differ, within one seed and between seeds', () => {
  const ids = new Set<string>();
  for (let seed = 0; seed < 300; seed += 1) {
    const random = new SeededRandom(seed);
    for (let count = 0; count < 300; count += 1) ids.add(allocationId(1_750_000_000_000, random));
  }
  expect(ids.size).toBe(90_000);
});

test('chance is spread evenly', () => {
  const random = new SeededRandom(7);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const value = random.below(10);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
