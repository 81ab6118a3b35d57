import { expect, test } from 'vitest';
import { InvariantError } from '../invariant-error.ts';
import { NO_BYTES } from '../message.ts';
import { testEntry } from '../testing/cluster.ts';
import type { Snapshot } from '../types.ts';
import { EMPTY_CONF_STATE } from './memory-log.ts';
import { Unstable } from './unstable.ts';

function unstable(...terms: number[]): Unstable {
  const subject = new Unstable(5, undefined);
  if (terms.length > 0) subject.append(terms.map((term, at) => testEntry(term, 5 + at)));
  return subject;
}

const SNAPSHOT: Snapshot = { meta: { index: 9, term: 3, conf: EMPTY_CONF_STATE }, data: NO_BYTES };

test('entries are handed out once, and again if they were replaced meanwhile', () => {
  const subject = unstable(1, 1, 1);
  expect(subject.nextEntries().map(({ index }) => index)).toEqual([5, 6, 7]);
  subject.acceptInProgress();
  expect(subject.hasNextEntries()).toBe(false);
  subject.append([testEntry(2, 6), testEntry(2, 7)]);
  expect(subject.nextEntries()).toMatchObject([
    { term: 2, index: 6 },
    { term: 2, index: 7 },
  ]);
});

test('what was handed out is not changed when entries are replaced', () => {
  const subject = unstable(1, 1);
  const given = subject.nextEntries();
  subject.append([testEntry(2, 5)]);
  expect(given.map(({ term }) => term)).toEqual([1, 1]);
});

test.each([
  { why: 'all of it', index: 7, term: 1, left: [] },
  { why: 'a part', index: 5, term: 1, left: [6, 7] },
  { why: 'an entry of another term, which was replaced meanwhile', index: 7, term: 9, left: [5, 6, 7] },
  { why: 'an entry that is stable already', index: 4, term: 1, left: [5, 6, 7] },
  { why: 'an entry that is not there', index: 8, term: 1, left: [5, 6, 7] },
])('stableTo() of $why', ({ index, term, left }) => {
  const subject = unstable(1, 1, 1);
  subject.stableTo(index, term);
  expect(subject.entries.map((entry) => entry.index)).toEqual(left);
});

test.each([
  { why: 'behind the end', from: 7, terms: [1, 1, 2] },
  { why: 'in the middle', from: 6, terms: [1, 2] },
  { why: 'at the beginning', from: 5, terms: [2] },
  { why: 'before the beginning', from: 3, terms: [2] },
])('append() $why', ({ from, terms }) => {
  const subject = unstable(1, 1);
  subject.append([testEntry(2, from)]);
  expect(subject.entries.map(({ term }) => term)).toEqual(terms);
  expect(subject.lastIndex()).toBe(from);
});

test('append() refuses a gap', () => {
  expect(() => unstable(1).append([testEntry(1, 7)])).toThrow(InvariantError);
});

test('a snapshot takes the place of everything, until storage has it', () => {
  const subject = unstable(1, 1);
  subject.restore(SNAPSHOT);
  expect([subject.firstIndex(), subject.lastIndex(), subject.term(9), subject.term(5)]).toEqual([10, 9, 3, undefined]);
  expect(subject.nextSnapshot()).toBe(SNAPSHOT);
  subject.acceptInProgress();
  expect(subject.nextSnapshot()).toBeUndefined();
  subject.stableSnapshotTo(8);
  expect(subject.snapshot).toBe(SNAPSHOT);
  subject.stableSnapshotTo(9);
  expect([subject.snapshot, subject.lastIndex()]).toEqual([undefined, undefined]);
});
