import { expect, test } from 'vitest';
import { untilText } from './timestamp-text.ts';

test.each([
  [3_599_000, '1h'],
  [10 * 86_400_000 - 1_500, '10d'],
  [59_000, '59s'],
  [80_000, '1m'],
  [-5_000, '0s'],
])('what is %i ms away is told as %s', (leftMs, text) => {
  const nowMs = Date.UTC(2026, 0, 2);
  const at = {
    seconds: BigInt(Math.floor((nowMs + leftMs) / 1_000)),
    nanos: (((leftMs % 1_000) + 1_000) % 1_000) * 1e6,
  };
  expect(untilText(at, { nowMs }, 'short')).toBe(text);
});
