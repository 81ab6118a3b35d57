import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AppliedWaiters } from './applied-waiters.ts';
import { Deadlines } from './deadlines.ts';
import type { RaftError } from './ports.ts';
import { Reads } from './reads.ts';

function setUp() {
  const deadlines = new Deadlines(50);
  const waiters = new AppliedWaiters(10, deadlines);
  const asked: Uint8Array[] = [];
  const reads = new Reads({
    origin: { id: 1, incarnation: 77 },
    waiters,
    deadlines,
    retryTicks: 3,
    ask: (context) => asked.push(context),
  });
  return { deadlines, waiters, asked, reads };
}

/** What became of it by the next turn of the event loop: its value, its error's code, or `waiting`. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'waiting';
  work.then(
    (value) => {
      state = value;
    },
    (error) => {
      state = (error as RaftError).code;
    },
  );
  await nextTurn();
  return state;
}

test('a reader whose index is not applied yet waits until it is', async () => {
  const { reads, asked, waiters } = setUp();
  const reading = reads.add(1000);
  reads.flush();
  reads.answered({ index: 12, context: asked[0] as Uint8Array });
  waiters.advance(11);
  expect(await outcome(reading)).toBe('waiting');
  waiters.advance(12);
  expect(await outcome(reading)).toBe(12);
});

test('one that comes after the request waits for the next request', async () => {
  const { reads, asked } = setUp();
  void reads.add(1000);
  reads.flush();
  const late = reads.add(1000);
  expect(reads.answered({ index: 5, context: asked[0] as Uint8Array })).toBe(true);
  expect(await outcome(late)).toBe('waiting');
  reads.flush();
  reads.answered({ index: 6, context: asked[1] as Uint8Array });
  expect(await outcome(late)).toBe(6);
});

test('without an answer it is asked again, with another context, and an old answer counts for nothing', async () => {
  const { reads, asked } = setUp();
  const reading = reads.add(60_000);
  reads.flush();
  for (let i = 0; i < 3; i += 1) reads.tick();
  reads.flush();
  expect(asked).toHaveLength(2);
  expect(asked[0]).not.toEqual(asked[1]);
  reads.answered({ index: 3, context: asked[0] as Uint8Array });
  expect(await outcome(reading)).toBe('waiting');
  reads.answered({ index: 7, context: asked[1] as Uint8Array });
  expect(await outcome(reading)).toBe(7);
});

test('a new leader is asked at once', () => {
  const { reads, asked } = setUp();
  void reads.add(60_000);
  reads.flush();
  reads.leaderChanged();
  reads.flush();
  expect(asked).toHaveLength(2);
});

test('answers to others are ignored', async () => {
  const { reads, asked } = setUp();
  const reading = reads.add(60_000);
  reads.flush();
  for (const numbers of [
    [2, 77, 1],
    [1, 76, 1],
    [1, 77, 2],
  ]) {
    reads.answered({ index: 5, context: new Uint8Array(new Float64Array(numbers).buffer) });
  }
  reads.answered({ index: 5, context: (asked[0] as Uint8Array).subarray(1) });
  expect(await outcome(reading)).toBe('waiting');
});

test('a reader gives up after its time, and is not asked for again', async () => {
  const { reads, deadlines, asked } = setUp();
  const reading = reads.add(100);
  for (let i = 0; i < 2; i += 1) deadlines.tick();
  expect(await outcome(reading)).toBe('waiting');
  deadlines.tick();
  expect(await outcome(reading)).toBe('timeout');
  reads.flush();
  expect(asked).toHaveLength(0);
});
