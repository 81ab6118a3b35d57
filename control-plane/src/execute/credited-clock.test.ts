import { expect, test } from 'vitest';
import { CreditedClock } from './credited-clock.ts';

test('a credited clock counts the time between readings', () => {
  let now = 5_000;
  const clock = new CreditedClock(() => now, 1_000);
  now += 250;
  expect(clock.nowMs()).toBe(250);
  now += 1_000;
  expect(clock.nowMs()).toBe(1_250);
});

test('a credited clock does not count a stall', () => {
  let now = 0;
  const clock = new CreditedClock(() => now, 1_000);
  now += 30_000;
  expect(clock.nowMs()).toBe(0);
  now += 10;
  expect(clock.nowMs()).toBe(10);
});
