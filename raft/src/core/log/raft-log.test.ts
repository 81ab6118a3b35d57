import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ENTRY_OVERHEAD_BYTES } from '../entry-size.ts';
import { InvariantError } from '../invariant-error.ts';
import { NO_BYTES } from '../message.ts';
import { testEntry } from '../testing/cluster.ts';
import { EMPTY_CONF_STATE, MemoryLog } from './memory-log.ts';
import { RaftLog } from './raft-log.ts';

/** Entries from 3 on behind a snapshot at 2: the first `stable` of them stored, the others not. */
function raftLog(terms: number[], stable: number): RaftLog {
  const stored = new MemoryLog();
  stored.applySnapshot({ meta: { index: 2, term: 1, conf: EMPTY_CONF_STATE }, data: NO_BYTES });
  const entries = terms.map((term, at) => testEntry(term, 3 + at, 'x'.repeat(10)));
  stored.append(entries.slice(0, stable));
  const log = new RaftLog(stored, Number.POSITIVE_INFINITY, undefined);
  log.append(entries.slice(stable));
  return log;
}

test.each([0, 2, 4])('reads and terms are the same with %i of 4 entries stored', (stable) => {
  const log = raftLog([1, 1, 2, 3], stable);
  expect([log.firstIndex(), log.lastIndex(), log.lastTerm()]).toEqual([3, 6, 3]);
  expect([1, 2, 3, 4, 5, 6, 7].map((index) => log.term(index))).toEqual([undefined, 1, 1, 1, 2, 3, undefined]);
  expect(log.slice(4, 7, Number.POSITIVE_INFINITY).map(({ index }) => index)).toEqual([4, 5, 6]);
  expect(log.entriesFrom(2, 1)).toBeUndefined();
  expect(log.entriesFrom(7, 1)).toEqual([]);
});

test('a slice holds what fits, and one entry at least, wherever storage ends', () => {
  const size = 10 + ENTRY_OVERHEAD_BYTES;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 8 * size }), (stable, sizeMax) => {
      const log = raftLog([1, 1, 1, 1, 1, 1], stable);
      const expected = Math.min(6, Math.max(1, Math.floor(sizeMax / size)));
      expect(log.slice(3, 9, sizeMax)).toHaveLength(expected);
    }),
  );
});

test.each([
  { why: 'what is there already', previous: [4, 1], terms: [2], last: 5, result: [1, 1, 2, 3] },
  { why: 'new entries', previous: [6, 3], terms: [3, 4], last: 8, result: [1, 1, 2, 3, 3, 4] },
  { why: 'a conflict', previous: [4, 1], terms: [2, 4], last: 6, result: [1, 1, 2, 4] },
  { why: 'a conflict that shortens the log', previous: [3, 1], terms: [4], last: 4, result: [1, 4] },
  { why: 'what does not link on', previous: [5, 3], terms: [3], last: undefined, result: [1, 1, 2, 3] },
  { why: 'what is beyond the end', previous: [9, 3], terms: [3], last: undefined, result: [1, 1, 2, 3] },
])('maybeAppend() of $why', ({ previous, terms, last, result }) => {
  for (const stable of [0, 2, 4]) {
    const log = raftLog([1, 1, 2, 3], stable);
    const [index = 0, term = 0] = previous;
    const entries = terms.map((entryTerm, at) => testEntry(entryTerm, index + 1 + at));
    expect(log.maybeAppend(index, term, entries, 0)).toBe(last);
    expect(log.slice(3, log.lastIndex() + 1, Number.POSITIVE_INFINITY).map((entry) => entry.term)).toEqual(result);
  }
});

test('a committed entry is never replaced', () => {
  const log = raftLog([1, 1, 2], 3);
  log.commitTo(4);
  expect(() => log.maybeAppend(3, 1, [testEntry(5, 4)], 0)).toThrow(InvariantError);
  expect(() => log.append([testEntry(5, 4)])).toThrow(InvariantError);
});

test('commits go forward only, within the log, and only to an entry of the given term', () => {
  const log = raftLog([1, 1, 2], 3);
  expect(log.maybeCommit(5, 1)).toBe(false);
  expect(log.maybeCommit(5, 2)).toBe(true);
  expect(log.maybeCommit(4, 1)).toBe(false);
  log.commitTo(3);
  expect(log.committed).toBe(5);
  expect(() => log.commitTo(6)).toThrow(expect.objectContaining({ code: 'log-lost' }));
});

test.each([
  { index: 6, term: 3, found: { index: 6, term: 3 } },
  { index: 6, term: 2, found: { index: 5, term: 2 } },
  { index: 6, term: 1, found: { index: 4, term: 1 } },
  { index: 4, term: 9, found: { index: 4, term: 1 } },
  { index: 6, term: 0, found: { index: 1, term: 0 } },
])('findConflictByTerm($index, $term)', ({ index, term, found }) => {
  expect(raftLog([1, 1, 2, 3], 2).findConflictByTerm(index, term)).toEqual(found);
});

test('what is applied can not be taken back, nor go beyond what is committed', () => {
  const log = raftLog([1, 1, 2], 3);
  log.commitTo(4);
  log.appliedTo(4, 0);
  expect(() => log.appliedTo(3, 0)).toThrow(InvariantError);
  expect(() => log.appliedTo(5, 0)).toThrow(InvariantError);
});
