import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBuckets } from './token-buckets.ts';

test('so many at once, then as fast as it fills', () => {
  const buckets = new TokenBuckets({ perSecond: 2, burst: 3 });
  expect([0, 0, 0, 0].map((nowMs) => buckets.take('a', nowMs))).toEqual([0, 0, 0, 500]);
  expect(buckets.take('a', 499)).toBe(1);
  expect(buckets.take('a', 500)).toBe(0);
  expect(buckets.take('a', 500)).toBe(500);
  expect(buckets.take('b', 500)).toBe(0);
});

test('a pause fills a bucket, and never more than that', () => {
  const buckets = new TokenBuckets({ perSecond: 1_000, burst: 2 });
  const took = [0, 1_000_000, 1_000_000, 1_000_000].map((nowMs) => buckets.take('a', nowMs));
  expect(took).toEqual([0, 0, 0, 1]);
});

test('keys are bounded: the one that was used longest ago is forgotten', () => {
  const buckets = new TokenBuckets({ perSecond: 0.001, burst: 1 }, 3);
  for (const key of ['a', 'b', 'c']) buckets.take(key, 0);
  expect(buckets.take('a', 0)).toBeGreaterThan(0);
  buckets.take('d', 0);
  expect(buckets.size).toBe(3);
  expect(buckets.take('a', 0)).toBeGreaterThan(0);
  expect(buckets.take('b', 0)).toBe(0);
});

test('what costs more than there is goes through once there is something, and is owed', () => {
  const buckets = new TokenBuckets({ perSecond: 10, burst: 4 });
  expect(buckets.take('a', 0, 24)).toBe(0);
  expect(buckets.take('a', 0, 24)).toBe(2_100);
  expect(buckets.take('a', 2_099, 0.5)).toBe(0);
  expect(buckets.take('a', 2_099)).toBe(51);
  expect(buckets.take('a', 2_150)).toBe(0);
});

/** Keeps when each was taken, and looks back. */
class NaiveBucket {
  readonly #taken: number[] = [];

  allowed(perSecond: number, burst: number, nowMs: number): boolean {
    // Full at any time in the past, and since then no more than came in.
    for (const [place, sinceMs] of this.#taken.entries()) {
      const taken = this.#taken.length - place;
      if (taken + 1 > burst + ((nowMs - sinceMs) * perSecond) / 1_000 + 1e-9) return false;
    }
    return true;
  }

  take(nowMs: number): void {
    this.#taken.push(nowMs);
  }
}

const rates = fc.record({ perSecond: fc.constantFrom(1, 5, 10, 100), burst: fc.integer({ min: 1, max: 8 }) });
const takes = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), pauseMs: fc.integer({ min: 0, max: 400 }) }), {
  maxLength: 120,
});

test('in no stretch of time more is taken than fits in it, and all that fits is given', () => {
  fc.assert(
    fc.property(rates, takes, (rate, asked) => {
      const buckets = new TokenBuckets(rate);
      const naive = { a: new NaiveBucket(), b: new NaiveBucket() };
      let nowMs = 0;
      for (const { key, pauseMs } of asked) {
        nowMs += pauseMs;
        const twin = naive[key];
        const waitMs = buckets.take(key, nowMs);
        expect(waitMs === 0).toBe(twin.allowed(rate.perSecond, rate.burst, nowMs));
        if (waitMs === 0) twin.take(nowMs);
        else expect(waitMs).toBeLessThanOrEqual(Math.ceil(1_000 / rate.perSecond));
      }
    }),
    { numRuns: 200 },
  );
});

test('whoever waits as long as it is told gets one', () => {
  fc.assert(
    fc.property(rates, takes, (rate, asked) => {
      const buckets = new TokenBuckets(rate);
      let nowMs = 0;
      for (const { key, pauseMs } of asked) {
        nowMs += pauseMs;
        const waitMs = buckets.take(key, nowMs);
        if (waitMs === 0) continue;
        nowMs += waitMs;
        expect(buckets.take(key, nowMs)).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});
