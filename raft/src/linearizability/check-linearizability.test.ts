import { describe, expect, test } from 'vitest';
import { checkLinearizability } from './check-linearizability.ts';
import { explainViolation } from './explain-violation.ts';
import type { Operation } from './sequential-model.ts';
import type { AppendInput, RegisterOperation } from './testing/register-model.ts';
import { appendModel, readOf, registerModel, swapOf, writeOf } from './testing/register-model.ts';

const NEVER = Number.POSITIVE_INFINITY;

function verdictOf(...history: RegisterOperation[]): string {
  return checkLinearizability(registerModel, history).verdict;
}

function appendOf(client: number, times: readonly [number, number], item: string, output: string | undefined) {
  const [invokedAt, returnedAt] = times;
  const input = { kind: 'append', item } as const;
  return { client, invokedAt, returnedAt, input, output } satisfies Operation<AppendInput, string>;
}

describe('histories that are rejected', () => {
  test('a stale read: an acknowledged write is not seen', () => {
    expect(verdictOf(writeOf(1, 0, 1, 5), readOf(2, 2, 3, 0))).toBe('violation');
  });

  test('a lost write: it was read once, and is gone', () => {
    expect(verdictOf(writeOf(1, 0, 1, 5), readOf(2, 2, 3, 5), readOf(2, 4, 5, 0))).toBe('violation');
  });

  test('a read from the future: nobody has begun to write that', () => {
    expect(verdictOf(readOf(1, 0, 1, 7), writeOf(2, 2, 3, 7))).toBe('violation');
  });

  test('a read of what nobody ever wrote', () => {
    expect(verdictOf(writeOf(1, 0, 1, 5), readOf(2, 0, 3, 6))).toBe('violation');
  });

  test('split-brain reads: two clients see two writes in opposite orders', () => {
    const writes = [writeOf(1, 0, 10, 1), writeOf(2, 0, 10, 2)];
    const one = [readOf(3, 1, 2, 1), readOf(3, 3, 4, 2)];
    const other = [readOf(4, 1, 2, 2), readOf(4, 3, 4, 1)];
    expect(verdictOf(...writes, ...one)).toBe('linearizable');
    expect(verdictOf(...writes, ...one, ...other)).toBe('violation');
  });

  test('real-time order: the later of two writes was overtaken by the earlier', () => {
    expect(verdictOf(writeOf(1, 0, 1, 1), writeOf(2, 2, 3, 2), readOf(3, 4, 5, 1))).toBe('violation');
  });

  test('a flicker: a concurrent write is seen, then not, then again', () => {
    const reads = [readOf(2, 1, 2, 5), readOf(2, 3, 4, 0), readOf(2, 5, 6, 5)];
    expect(verdictOf(writeOf(1, 0, 10, 5), ...reads)).toBe('violation');
  });

  test('an append that is applied twice', () => {
    const twice = [appendOf(1, [0, 1], 'a', 'a'), appendOf(2, [2, 3], 'b', 'aab')];
    expect(checkLinearizability(appendModel, twice).verdict).toBe('violation');
  });

  test('an append without an answer that is seen twice', () => {
    const history = [appendOf(1, [0, NEVER], 'a', undefined), appendOf(2, [2, 3], 'b', 'aab')];
    expect(checkLinearizability(appendModel, history).verdict).toBe('violation');
  });

  test('two swaps that both found the same value', () => {
    expect(verdictOf(swapOf(1, [0, 5], [0, 1], true), swapOf(2, [0, 5], [0, 2], true))).toBe('violation');
  });

  test('a swap that failed though the value was there all the time', () => {
    expect(verdictOf(swapOf(1, [0, 5], [0, 1], false))).toBe('violation');
  });

  test('a write without an answer that happened, and happened again later', () => {
    const history = [writeOf(1, 0, NEVER, 5), readOf(2, 1, 2, 5), writeOf(2, 3, 4, 6), readOf(2, 5, 6, 5)];
    expect(verdictOf(...history)).toBe('violation');
  });

  test('a write without an answer that is seen before it began', () => {
    expect(verdictOf(readOf(2, 1, 2, 5), writeOf(1, 3, NEVER, 5))).toBe('violation');
  });
});

describe('histories that are accepted', () => {
  test('none at all, and operations one after the other', () => {
    expect(verdictOf()).toBe('linearizable');
    expect(verdictOf(readOf(1, 0, 1, 0), writeOf(1, 2, 3, 5), readOf(2, 4, 5, 5))).toBe('linearizable');
  });

  test('a read during a write sees the one value or the other', () => {
    expect(verdictOf(writeOf(1, 0, 10, 5), readOf(2, 1, 2, 0), readOf(3, 3, 4, 5))).toBe('linearizable');
  });

  test('operations that touch at one moment are concurrent', () => {
    expect(verdictOf(writeOf(1, 0, 1, 5), readOf(2, 1, 2, 0))).toBe('linearizable');
  });

  test('concurrent writes may come in any order', () => {
    expect(verdictOf(writeOf(1, 0, 5, 1), writeOf(2, 1, 4, 2), readOf(3, 6, 7, 1))).toBe('linearizable');
    expect(verdictOf(writeOf(1, 0, 5, 1), writeOf(2, 1, 4, 2), readOf(3, 6, 7, 2))).toBe('linearizable');
  });

  test('a write without an answer may have happened, much later, or never', () => {
    const write = writeOf(1, 0, NEVER, 5);
    expect(verdictOf(write, readOf(2, 1, 2, 5))).toBe('linearizable');
    expect(verdictOf(write, readOf(2, 1, 2, 0), readOf(2, 100, 101, 5))).toBe('linearizable');
    expect(verdictOf(write, readOf(2, 1, 2, 0), readOf(2, 100, 101, 0))).toBe('linearizable');
  });

  test('of swaps without answers one may have made way for another', () => {
    const open = [swapOf(1, [0, NEVER], [1, 2], undefined), swapOf(2, [0, NEVER], [0, 1], undefined)];
    expect(verdictOf(...open, readOf(3, 5, 6, 2))).toBe('linearizable');
    expect(verdictOf(...open, readOf(3, 5, 6, 3))).toBe('violation');
  });

  test('keys have nothing to do with each other', () => {
    const history = [writeOf(1, 0, 1, 5, 'x'), readOf(2, 2, 3, 0, 'y'), writeOf(2, 4, 5, 7, 'y'), readOf(1, 6, 7, 5)];
    expect(verdictOf(...history)).toBe('linearizable');
  });
});

test('the order of a history in the array does not matter', () => {
  expect(verdictOf(readOf(2, 2, 3, 5), writeOf(1, 0, 1, 5))).toBe('linearizable');
});

test('a violation names its partition, its operations and the longest order, also in words', () => {
  const fine = [writeOf(1, 0, 1, 9, 'y')];
  const stale = [writeOf(1, 2, 3, 5), writeOf(1, 4, 5, 6), readOf(2, 6, 7, 5)];
  const found = checkLinearizability(registerModel, [...fine, ...stale]);
  expect(found).toEqual({ verdict: 'violation', partition: 'x', operations: stale, longest: stale.slice(0, 2) });
  if (found.verdict !== 'violation') return;
  expect(explainViolation(registerModel, found)).toMatchInlineSnapshot(`
    "No order explains the answers to the 3 operations on 'x'; the longest has 2 and ends in:
      client 1, 2 to 3: {"kind":"write","key":"x","value":5} -> "done"
      client 1, 4 to 5: {"kind":"write","key":"x","value":6} -> "done"
    None of these can follow:
      client 2, 6 to 7: {"kind":"read","key":"x"} -> 5"
  `);
});

test('operations that end before they begin, or at no time, are refused', () => {
  expect(() => verdictOf(readOf(1, 2, 1, 0))).toThrow(/begins at '2' and ends at '1'/);
  expect(() => verdictOf(readOf(1, Number.NaN, 1, 0))).toThrow(RangeError);
});

test('a history that takes too many steps is undecided, and a violation elsewhere is found all the same', () => {
  // Any of the open writes may have come before any other; none leads to what was read.
  const open = Array.from({ length: 24 }, (_, at) => writeOf(at, 0, NEVER, at + 1));
  const hard = [...open, readOf(99, 1, 2, 77)];
  expect(checkLinearizability(registerModel, hard, { stepsMax: 2_000 })).toEqual({
    verdict: 'undecided',
    partition: 'x',
    steps: 2_000,
  });
  const stale = readOf(1, 0, 1, 8, 'y');
  expect(checkLinearizability(registerModel, [...hard, stale], { stepsMax: 2_000 })).toMatchObject({
    verdict: 'violation',
    partition: 'y',
  });
});
