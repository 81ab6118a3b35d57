import { expect, test } from 'vitest';
import { FAULT_KINDS } from './fault.ts';
import { planFaults } from './plan-faults.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

test('a seed gives the same plan each time, another seed another one', () => {
  expect(planFaults(7, 60_000, FAULT_KINDS)).toEqual(planFaults(7, 60_000, FAULT_KINDS));
  expect(planFaults(7, 60_000, FAULT_KINDS)).not.toEqual(planFaults(8, 60_000, FAULT_KINDS));
});

test('a minute has room for every kind of fault', () => {
  for (const seed of SEEDS) {
    const kinds = new Set(planFaults(seed, 60_000, FAULT_KINDS).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...FAULT_KINDS].sort());
  }
});

test('every fault ends before the round does, and only the kinds that were asked for come', () => {
  for (const seed of SEEDS) {
    for (const { kind, atMs, forMs } of planFaults(seed, 30_000, ['kill', 'disk'])) {
      expect(['kill', 'disk']).toContain(kind);
      expect(forMs).toBeGreaterThan(0);
      expect(atMs + forMs).toBeLessThanOrEqual(30_000);
    }
  }
});

test('without kinds there are no faults', () => {
  expect(planFaults(1, 60_000, [])).toEqual([]);
});
