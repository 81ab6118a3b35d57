import { expect, test } from 'vitest';
import { beginsLaterText, CERTIFICATE_BEGINS_BEFORE_MS, clockProblem, withoutTimes } from './clock-skew.ts';

const NOON_MS = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;

test('how far apart clocks are is told as a person would say it', () => {
  const cases: readonly (readonly [minutes: number, text: string])[] = [
    [9.97, '10 minutes'],
    [119, '119 minutes'],
    [180, '3 hours'],
    [47 * 60, '47 hours'],
    [24 * 60 * 365, '365 days'],
  ];
  for (const [minutes, text] of cases) {
    expect(clockProblem(NOON_MS + minutes * MINUTE_MS, NOON_MS)).toContain(
      `about ${text} ahead of the control plane's`,
    );
    expect(clockProblem(NOON_MS - minutes * MINUTE_MS, NOON_MS)).toContain(`about ${text} behind the control plane's`);
  }
});

test('a certificate that was made just now, by a clock that is 10 minutes ahead, tells of 10 minutes', () => {
  const madeMs = NOON_MS + 10 * MINUTE_MS;
  expect(beginsLaterText(madeMs - CERTIFICATE_BEGINS_BEFORE_MS, NOON_MS)).toBe(
    'begins at 2026-11-23T12:04:50Z, and here it is 2026-11-23T12:00:00Z: the clocks differ by more than 5 minutes, ' +
      'by about 10 minutes or more. Set the wrong one right (timedatectl)',
  );
});

test('a machine that asks is told both clocks; 5 minutes, and a little for the way, are nothing', () => {
  for (const sign of [1, -1]) {
    expect(clockProblem(NOON_MS + sign * CERTIFICATE_BEGINS_BEFORE_MS, NOON_MS)).toBeUndefined();
  }
  expect(clockProblem(NOON_MS + 10 * MINUTE_MS, NOON_MS)).toBe(
    "The clock of the machine that asks says 2026-11-23T12:10:00Z. That is about 10 minutes ahead of the control plane's " +
      '2026-11-23T12:00:00Z, and clocks may differ by 5 minutes. Set the wrong one right (timedatectl)',
  );
  expect(clockProblem(Number.MAX_SAFE_INTEGER, NOON_MS)).toContain('no date at all');
});

test('withoutTimes() takes two tellings of one thing for the same, and of two things not', () => {
  const told = [beginsLaterText, clockProblem].flatMap((tell) =>
    [0, 1_000].map((laterMs) => withoutTimes(tell(NOON_MS + 20 * MINUTE_MS, NOON_MS + laterMs) ?? '')),
  );
  expect(told[0]).toBe(told[1]);
  expect(told[2]).toBe(told[3]);
  expect(told[0]).not.toBe(told[2]);
});
