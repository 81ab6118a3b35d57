import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { violationText } from './report.ts';
import { runSeeds } from './run-seeds.ts';
import { makeScenario } from './scenario.ts';
import { simulate } from './simulate.ts';
import { REGRESSION_SEEDS } from './testing/regression-seeds.ts';

const FIXED_SEEDS = 300;
const RANDOM_SEEDS = 100;
const SEED_LIMIT = 2 ** 47;
/** Processor time for either part; a slower machine simulates fewer seeds, but some in any case. */
const PROCESSOR_MS_MAX = 10_000;
/** And time, where the processor is busy with other things most of it. */
const ELAPSED_MS_MAX = 30_000;
const TEST_TIMEOUT_MS = 120_000;

function expectAllHolds(from: number, count: number): void {
  const start = process.cpuUsage();
  const endMs = performance.now() + ELAPSED_MS_MAX;
  const summary = runSeeds(from, ({ seeds }) => {
    const { user, system } = process.cpuUsage(start);
    const inTime = (user + system) / 1000 < PROCESSOR_MS_MAX && performance.now() < endMs;
    return seeds < count && (seeds === 0 || inTime);
  });
  expect(summary.violations.map(violationText)).toEqual([]);
  expect(summary.seeds).toBeGreaterThan(0);
}

test('all properties hold for the fixed seeds', { timeout: TEST_TIMEOUT_MS }, () => {
  expectAllHolds(1, FIXED_SEEDS);
});

test('all properties hold for seeds that failed once', { timeout: TEST_TIMEOUT_MS }, () => {
  const outcomes = REGRESSION_SEEDS.map(({ seed }) => simulate(makeScenario(seed)));
  expect(outcomes.filter(({ violation }) => violation !== undefined).map(violationText)).toEqual([]);
});

test('all properties hold for new random seeds', { timeout: TEST_TIMEOUT_MS }, () => {
  const from = randomInt(SEED_LIMIT);
  console.log(`Random seeds from ${from}: npm run sim -- --seeds ${RANDOM_SEEDS} --from ${from}`);
  expectAllHolds(from, RANDOM_SEEDS);
});

test('a seed always gives the same events', () => {
  const events = () => {
    const lines: string[] = [];
    simulate(makeScenario(17), (atMs, text) => lines.push(`${atMs} ${text}`));
    return lines;
  };
  const first = events();
  expect(first.length).toBeGreaterThan(1_000);
  expect(events()).toEqual(first);
});

test('a simulation is full of events: elections, commits and answered operations', () => {
  const { terms, committed, operations, undecided } = runSeeds(1, ({ seeds }) => seeds < 20);
  expect(undecided).toBe(0);
  expect(terms).toBeGreaterThan(100);
  expect(committed).toBeGreaterThan(1_000);
  expect(operations).toBeGreaterThan(1_000);
});
