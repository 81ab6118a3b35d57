import { expect, test } from 'vitest';
import type { CallRecord, Input, Output } from '../clients/operations.ts';
import { judgeHistory } from './judge-history.ts';

const REGISTER = 'register-0';
const DRILL = 'drill-0';

/** A call that was answered, or failed with a code. */
function call(times: readonly [number, number], input: Input, answer: Output | string): CallRecord {
  const [output, failure] = typeof answer === 'string' ? [undefined, answer] : [answer, undefined];
  return { client: 1, member: 1, input, invokedAt: times[0], returnedAt: times[1], output, failure };
}

function write(times: readonly [number, number], value: string, answer: number | string): CallRecord {
  const input = { kind: 'write', register: REGISTER, value } as const;
  return call(times, input, typeof answer === 'string' ? answer : { index: answer });
}

function read(times: readonly [number, number], value: string, index: number): CallRecord {
  return call(times, { kind: 'read', register: REGISTER }, { value, index });
}

function swap(
  times: readonly [number, number],
  value: string,
  expected: readonly [string, number],
  answer: number | 'conflict',
): CallRecord {
  const input = {
    kind: 'swap',
    register: REGISTER,
    value,
    expected: { value: expected[0], index: expected[1] },
  } as const;
  return call(times, input, answer === 'conflict' ? { conflict: true } : { index: answer });
}

function mark(times: readonly [number, number], sequence: number, answer: number | string): CallRecord {
  const input = { kind: 'mark', drill: DRILL, sequence } as const;
  return call(times, input, typeof answer === 'string' ? answer : { index: answer });
}

function marks(times: readonly [number, number], ...ranges: (readonly [number, number])[]): CallRecord {
  return call(times, { kind: 'marks', drill: DRILL }, { ranges });
}

const HOLDING: Readonly<Record<string, readonly CallRecord[]>> = {
  'writes and reads one after the other': [
    write([0, 1], 'a', 5),
    read([2, 3], 'a', 5),
    swap([4, 5], 'b', ['a', 5], 7),
    read([6, 7], 'b', 7),
  ],
  'a write without an answer that is seen later on, with an index that nobody was told': [
    write([0, 1], 'a', 'CELL_E_TIMEOUT'),
    read([2, 3], '', 0),
    read([4, 5], 'a', 9),
    read([6, 7], 'a', 9),
  ],
  'a write without an answer that never happened': [write([0, 1], 'a', 'CELL_E_OUTCOME_UNKNOWN'), read([2, 3], '', 0)],
  'a swap that fails since a write without an answer came before': [
    write([0, 1], 'a', 5),
    write([2, 3], 'b', 'CELL_E_CONNECTION_LOST'),
    swap([4, 5], 'c', ['a', 5], 'conflict'),
  ],
  'a write that was refused and is not seen': [write([0, 1], 'a', 'CELL_E_NO_LEADER'), read([2, 3], '', 0)],
  'marks that come in any order, one of them without an answer': [
    mark([0, 5], 1, 8),
    mark([0, 5], 0, 9),
    mark([0, 5], 3, 'CELL_E_TIMEOUT'),
    marks([6, 7], [0, 1]),
    marks([8, 9], [0, 1], [3, 3]),
  ],
};

test.each(Object.entries(HOLDING))('holds: %s', (_, records) => {
  expect(judgeHistory(records)).toMatchObject({ violations: [], undecided: [] });
});

const VIOLATIONS: Readonly<Record<string, readonly CallRecord[]>> = {
  'an acknowledged write that a later read does not see': [write([0, 1], 'a', 5), read([2, 3], '', 0)],
  'a stale read: an older value after a newer one was read': [
    write([0, 1], 'a', 5),
    write([2, 3], 'b', 6),
    read([4, 5], 'b', 6),
    read([6, 7], 'a', 5),
  ],
  'a write that is lost after it was read': [
    write([0, 1], 'a', 5),
    write([2, 3], 'b', 'CELL_E_TIMEOUT'),
    read([4, 5], 'b', 6),
    read([6, 7], 'a', 5),
  ],
  'a write that was refused and is seen': [write([0, 1], 'a', 'CELL_E_NO_LEADER'), read([2, 3], 'a', 5)],
  'two swaps that both found the same value': [
    write([0, 1], 'a', 5),
    swap([2, 5], 'b', ['a', 5], 6),
    swap([2, 5], 'c', ['a', 5], 7),
  ],
  'a swap that failed though nothing had changed': [write([0, 1], 'a', 5), swap([2, 3], 'b', ['a', 5], 'conflict')],
  'one write at two indexes': [write([0, 1], 'a', 'CELL_E_TIMEOUT'), read([2, 3], 'a', 5), read([4, 5], 'a', 6)],
  'an index that goes back': [write([0, 1], 'a', 5), write([2, 3], 'b', 4)],
  'a value that nobody wrote': [read([0, 1], 'z', 5)],
  'an acknowledged mark that is not there': [mark([0, 1], 0, 5), mark([2, 3], 1, 6), marks([4, 5], [1, 1])],
  'a mark that was seen and is gone': [mark([0, 1], 0, 'CELL_E_TIMEOUT'), marks([2, 3], [0, 0]), marks([4, 5])],
  'a mark that was refused and is there': [mark([0, 1], 0, 'CELL_E_NOT_LEADER'), marks([2, 3], [0, 0])],
};

test.each(Object.entries(VIOLATIONS))('is a violation: %s', (_, records) => {
  expect(judgeHistory(records).violations).toHaveLength(1);
});

test('a violation is told with the operations that do not fit', () => {
  const { violations } = judgeHistory([write([0, 1], 'a', 5), read([2, 3], '', 0)]);
  expect(violations[0]).toContain('register-0');
  expect(violations[0]).toContain('"kind":"read"');
});

test('operations are counted by what is known of them', () => {
  const records = [
    write([0, 1], 'a', 5),
    write([2, 3], 'b', 'CELL_E_TIMEOUT'),
    write([4, 5], 'c', 'CELL_E_NO_LEADER'),
    call([6, 7], { kind: 'read', register: REGISTER }, 'CELL_E_TIMEOUT'),
  ];
  expect(judgeHistory(records).operations).toEqual({ ok: 1, open: 1, refused: 2 });
});
