import { expect, test } from 'vitest';
import type { CallRecord } from '../clients/operations.ts';
import { longestUnavailableMs } from './longest-unavailable.ts';

function mark(invokedAt: number, returnedAt: number, answered = true): CallRecord {
  const input = { kind: 'mark', drill: 'drill-0', sequence: invokedAt } as const;
  const output = answered ? { index: invokedAt } : undefined;
  return {
    client: 1,
    member: 1,
    input,
    invokedAt,
    returnedAt,
    output,
    failure: answered ? undefined : 'CELL_E_TIMEOUT',
  };
}

test('the longest time without an acknowledged change counts, in whatever order the calls come', () => {
  expect(longestUnavailableMs([mark(700, 720), mark(100, 110), mark(120, 130, false), mark(300, 310)])).toBe(410);
});

test('reads are no changes, and the beginning and the end count too', () => {
  const read = { ...mark(50, 60), input: { kind: 'marks', drill: 'drill-0' } } as const;
  expect(longestUnavailableMs([mark(0, 500, false), read, mark(510, 520), mark(2000, 2100, false)])).toBe(1480);
});
