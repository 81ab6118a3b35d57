import { expect, test } from 'vitest';
import { InvariantError } from '../invariant-error.ts';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';

function progress(match: number, next: number, window = 10): Progress {
  return new Progress(match, next, new Inflights(window, 0), false, true);
}

test('a probe is answered before the next one goes out; an empty one holds nothing up', () => {
  const subject = progress(0, 5);
  subject.noteSent(0, 0, 0);
  expect(subject.paused()).toBe(false);
  subject.noteSent(2, 10, 0);
  expect(subject.paused()).toBe(true);
  expect(subject.next).toBe(5);
});

test('replication runs ahead of the acknowledgements, as far as the window goes', () => {
  const subject = progress(4, 5, 2);
  subject.becomeReplicate();
  subject.noteSent(3, 10, 0);
  expect([subject.next, subject.paused()]).toEqual([8, false]);
  subject.noteSent(1, 10, 0);
  expect([subject.next, subject.paused()]).toEqual([9, true]);
});

test.each([
  {
    why: 'a stale refusal while replicating',
    state: 'replicate',
    match: 5,
    next: 10,
    rejected: 5,
    hint: 0,
    to: undefined,
  },
  { why: 'a refusal while replicating', state: 'replicate', match: 5, next: 10, rejected: 9, hint: 7, to: 6 },
  { why: 'a stale refusal of a probe', state: 'probe', match: 0, next: 10, rejected: 5, hint: 2, to: undefined },
  { why: 'a refused probe, by the hint', state: 'probe', match: 0, next: 10, rejected: 9, hint: 2, to: 3 },
  { why: 'a refused probe, by one at least', state: 'probe', match: 0, next: 10, rejected: 9, hint: 20, to: 9 },
  { why: 'a refused probe, not below what matches', state: 'probe', match: 5, next: 10, rejected: 9, hint: 2, to: 6 },
])('maybeDecrease() takes $why', ({ state, match, next, rejected, hint, to }) => {
  const subject = progress(match, next);
  if (state === 'replicate') subject.becomeReplicate();
  subject.next = next;
  expect(subject.maybeDecrease(rejected, hint)).toBe(to !== undefined);
  expect(subject.next).toBe(to ?? next);
});

test('maybeUpdate() only goes forward, and takes the pause away', () => {
  const subject = progress(3, 4);
  subject.noteSent(1, 1, 0);
  expect(subject.maybeUpdate(3)).toBe(false);
  expect(subject.paused()).toBe(true);
  expect(subject.maybeUpdate(7)).toBe(true);
  expect([subject.match, subject.next, subject.paused()]).toEqual([7, 8, false]);
});

test('after a snapshot the follower is probed behind it, after a failed one behind what it has', () => {
  const sent = progress(2, 3);
  sent.becomeSnapshot(20);
  expect(sent.paused()).toBe(true);
  expect(() => sent.noteSent(1, 1, 0)).toThrow(InvariantError);
  sent.becomeProbe();
  expect(sent.next).toBe(21);
  const failed = progress(2, 3);
  failed.becomeSnapshot(20);
  failed.pendingSnapshot = 0;
  failed.becomeProbe();
  expect(failed.next).toBe(3);
});

test('a commit is worth a message only if it is new to the follower and its log reaches further than the last one', () => {
  const subject = progress(4, 5);
  subject.becomeReplicate();
  subject.noteSent(2, 1, 4);
  expect(subject.canBumpCommit(4)).toBe(false);
  expect(subject.canBumpCommit(5)).toBe(true);
  subject.noteSentCommit(6);
  expect(subject.canBumpCommit(9)).toBe(false);
});
