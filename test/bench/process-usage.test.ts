import { expect, test } from 'vitest';
import { cpuSeconds, residentMb } from './process-usage.ts';

test('residentMb() agrees with what the process says of itself', () => {
  expect(residentMb(process.pid) / (process.memoryUsage.rss() / 1e6)).toBeCloseTo(1, 0);
});

test('cpuSeconds() agrees with what the process says of itself', () => {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1e6;
  expect(Math.abs(cpuSeconds(process.pid) - own)).toBeLessThan(0.2 + own / 10);
});

test('residentMb() rejects a process that is gone', () => {
  expect(() => residentMb(2 ** 30)).toThrow();
});
