import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MarkLedger } from './mark-ledger.ts';

function ledgerOf(...marks: readonly (readonly [sequence: number, atMs: number])[]): MarkLedger {
  const ledger = new MarkLedger();
  for (const [sequence, atMs] of marks) ledger.acknowledge(sequence, atMs);
  return ledger;
}

test.each<[string, MarkLedger, number | undefined]>([
  ['no write came after the fault', ledgerOf([0, 10], [1, 20]), undefined],
  ['the pause spans the fault', ledgerOf([0, 10], [1, 20], [2, 620], [3, 630]), 600],
  ['a dying leader acknowledged once more', ledgerOf([0, 10], [1, 26], [2, 700], [3, 710]), 674],
  ['a pause before the fault does not count', ledgerOf([0, 0], [1, 24], [2, 30]), 6],
  ['nothing was acknowledged before', ledgerOf([0, 125]), 100],
])('the longest pause around a fault at 25 ms when %s', (_case, ledger, expected) => {
  expect(ledger.longestPauseMs(25)).toBe(expected);
});

test('marks are counted before and after a time', () => {
  const ledger = ledgerOf([0, 10], [2, 20], [1, 30]);
  expect([ledger.count, ledger.countUntil(20), ledger.countAfter(20)]).toEqual([3, 2, 1]);
});

test('exactly the acknowledged marks outside all spans are missing', () => {
  const spans = fc.array(fc.tuple(fc.nat(40), fc.nat(5)), { maxLength: 5 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(50)), spans, (sequences, starts) => {
      const ledger = ledgerOf(...sequences.map((sequence) => [sequence, 0] as const));
      const there = new Set(starts.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, i) => first + i)));
      const missing = ledger.missingFrom(
        starts.map(([first, more]) => ({ first: BigInt(first), last: BigInt(first + more) })),
      );
      expect(missing).toEqual(sequences.filter((sequence) => !there.has(sequence)).sort((a, b) => a - b));
    }),
  );
});
