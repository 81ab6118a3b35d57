import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { DrainDeadlines } from './drain-deadlines.ts';
import { addJob, addNode, kinds, place, silentLog } from './testing/example-fleet.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let clock: FakeClock;
let consensus: MemoryConsensus;
let deadlines: DrainDeadlines;

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  addJob(consensus, 'web', 9);
  for (const [instance, node] of ['a', 'b'].entries()) {
    addNode(consensus, node);
    place(consensus, 'web', instance, node);
  }
  deadlines = newLeader();
});

function newLeader(): DrainDeadlines {
  const made = new DrainDeadlines({ consensus, clock, log: silentLog });
  made.start();
  return made;
}

function drain(id: string, deadlineMs: number | undefined): void {
  consensus.write({ kind: 'drain-node', timeMs: clock.wallMs(), id, deadlineMs, keepSystemJobs: false });
}

const remainingMs = (id = 'a') => consensus.state.nodes.get(id)?.drain?.remainingMs;

test('a deadline passes when its time is over, not before, and then costs nothing more', async () => {
  drain('a', hourMs);
  const begun = consensus.commands.length;
  await clock.advance(hourMs - 1_000);
  expect(remainingMs()).toBeGreaterThan(0);
  await clock.advance(1_500);
  expect(remainingMs()).toBe(0);
  expect(kinds(consensus, begun).length).toBeLessThanOrEqual(121);
  const before = consensus.commands.length;
  await clock.advance(hourMs);
  expect(kinds(consensus, before)).toEqual([]);
});

test('a drain without a deadline, and one that is over, cost no commands', async () => {
  drain('a', undefined);
  drain('b', 0);
  const before = consensus.commands.length;
  await clock.advance(3 * hourMs);
  expect(kinds(consensus, before)).toEqual([]);
  expect(remainingMs()).toBeUndefined();
});

test('what is left is written down now and then, for all drains in one command', async () => {
  drain('a', hourMs);
  drain('b', 2 * hourMs);
  const before = consensus.commands.length;
  await clock.advance(10 * minuteMs);
  expect(consensus.commands.length - before).toBeGreaterThanOrEqual(10);
  expect(consensus.commands.length - before).toBeLessThanOrEqual(20);
  expect(Math.abs(remainingMs('a')! - 50 * minuteMs)).toBeLessThan(31_000);
  expect(Math.abs(remainingMs('b')! - 110 * minuteMs)).toBeLessThan(31_000);
});

test('writing it down does not make the count drift', async () => {
  drain('a', 10 * hourMs);
  consensus.hold = new Promise((resolve) => {
    clock.after(10 * hourMs - 2_000, resolve);
  });
  await clock.advance(10 * hourMs - 1_000);
  expect(remainingMs()).toBeGreaterThan(0);
  await clock.advance(2_000);
  expect(remainingMs()).toBe(0);
});

test('the next leader goes on from what was written down, neither from the start nor too early', async () => {
  drain('a', hourMs);
  await clock.advance(40 * minuteMs);
  deadlines.stop();
  const electedMs = clock.monotonicMs();
  newLeader();
  await clock.advance(20 * minuteMs - 1_000);
  expect(remainingMs()).toBeGreaterThan(0);
  while (remainingMs() !== 0 && clock.monotonicMs() < electedMs + hourMs) await clock.advance(1_000);
  expect(clock.monotonicMs() - electedMs).toBeLessThanOrEqual(20 * minuteMs + 32_000);
});

test('time in which nobody leads does not count', async () => {
  drain('a', hourMs);
  await clock.advance(10 * minuteMs);
  deadlines.stop();
  await clock.advance(5 * hourMs);
  deadlines.start();
  await clock.advance(49 * minuteMs);
  expect(remainingMs()).toBeGreaterThan(0);
  await clock.advance(2 * minuteMs);
  expect(remainingMs()).toBe(0);
});

test('a wall clock that is wrong by years ends nothing early', async () => {
  clock.wallMs = () => Date.UTC(1999, 0, 1);
  drain('a', hourMs);
  clock.wallMs = () => Date.UTC(2126, 0, 1);
  deadlines.stop();
  newLeader();
  await clock.advance(59 * minuteMs);
  expect(remainingMs()).toBeGreaterThan(0);
  await clock.advance(2 * minuteMs);
  expect(remainingMs()).toBe(0);
});

test('a new deadline is counted anew, and what was counted for the old one says nothing of it', async () => {
  drain('a', hourMs);
  await clock.advance(59 * minuteMs + 59_000);
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  consensus.hold = held;
  await clock.advance(2_000);
  // The old deadline is on its way into the log while the new one is written.
  drain('a', 2 * hourMs);
  release();
  consensus.hold = undefined;
  await settle();
  expect(remainingMs()).toBe(2 * hourMs);
  await clock.advance(119 * minuteMs);
  expect(remainingMs()).toBeGreaterThan(0);
  await clock.advance(2 * minuteMs);
  expect(remainingMs()).toBe(0);
});

test('a deadline that could not be written is tried again', async () => {
  drain('a', minuteMs);
  consensus.failure = () => new CellError('CELL_E_OVERLOADED', 'Too much to do');
  await clock.advance(2 * minuteMs);
  expect(remainingMs()).toBe(minuteMs);
  consensus.failure = () => undefined;
  await clock.advance(1_000);
  expect(remainingMs()).toBe(0);
});

test('who does not lead any more counts nothing', async () => {
  drain('a', minuteMs);
  deadlines.stop();
  await clock.advance(hourMs);
  expect(remainingMs()).toBe(minuteMs);
});
