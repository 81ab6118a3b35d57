import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { judgeBySimulation } from './judge-by-simulation.ts';

const SOURCES = resolve(import.meta.dirname, '../..');
/** Many times what any of these takes, since a change of the simulator gives every seed another fate. */
const SEEDS = 400;
const TIMEOUT_MS = 240_000;

/** A few that are hard to see in a review; `npm run mutants` plants them all. */
const NASTY = [
  'up-to-date-off-by-one',
  'double-vote',
  'vote-not-synced',
  'match-survives-terms',
  'apply-twice',
  'two-pending-changes',
  'read-on-fresh-leader',
  'in-flight-stall',
];

test.each(NASTY)('the simulator alone still finds %s', { timeout: TIMEOUT_MS }, async (name) => {
  const verdict = await judgeBySimulation(name, { sources: SOURCES, seeds: SEEDS, transcripts: undefined });
  expect(verdict).toMatchObject({ fault: name, caught: true, failed: [] });
  expect(verdict.simulation?.property).not.toMatch(/crash|hang/);
});

test('nothing is found where nothing is planted', { timeout: TIMEOUT_MS }, async () => {
  const verdict = await judgeBySimulation('none', { sources: SOURCES, seeds: 10, transcripts: undefined });
  expect(verdict).toEqual({ fault: 'none', caught: false, failed: [], simulation: undefined });
});

test('a fault that nobody knows is no verdict', { timeout: TIMEOUT_MS }, async () => {
  const judged = judgeBySimulation('no-such-fault', { sources: SOURCES, seeds: 1, transcripts: undefined });
  await expect(judged).rejects.toThrow(/no planted fault 'no-such-fault'/);
});
