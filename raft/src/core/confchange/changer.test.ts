import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoreError } from '../core-error.ts';
import type { MembershipStep } from '../progress/tracker.ts';
import { membershipToConfState } from '../progress/tracker.ts';
import type { ConfChange, ConfChangeSingle, ConfState, NodeId } from '../types.ts';
import { Changer, restoreMembership } from './changer.ts';

const LIMITS = { lastIndex: 10, inflightMessagesMax: 4, inflightBytesMax: 0 };
const EMPTY: ConfState = { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

function changer(conf: Partial<ConfState>): Changer {
  return new Changer({ ...restoreMembership({ ...EMPTY, ...conf }, LIMITS), ...LIMITS });
}

const voter = (node: NodeId): ConfChangeSingle => ({ type: 'add-voter', node });
const learner = (node: NodeId): ConfChangeSingle => ({ type: 'add-learner', node });
const remove = (node: NodeId): ConfChangeSingle => ({ type: 'remove', node });

test.each<{ why: string; from: Partial<ConfState>; changes: ConfChangeSingle[]; to: Partial<ConfState> }>([
  { why: 'the first voter', from: {}, changes: [voter(1)], to: { voters: [1] } },
  { why: 'one more voter', from: { voters: [2] }, changes: [voter(1)], to: { voters: [1, 2] } },
  { why: 'one voter less', from: { voters: [1, 2] }, changes: [remove(2)], to: { voters: [1] } },
  { why: 'a learner', from: { voters: [1] }, changes: [learner(2)], to: { voters: [1], learners: [2] } },
  { why: 'promotion', from: { voters: [1], learners: [2] }, changes: [voter(2)], to: { voters: [1, 2] } },
  { why: 'demotion', from: { voters: [1, 2] }, changes: [learner(2)], to: { voters: [1], learners: [2] } },
  { why: 'a stranger removed', from: { voters: [1] }, changes: [remove(9)], to: { voters: [1] } },
  { why: 'nobody', from: { voters: [1] }, changes: [voter(0), remove(0)], to: { voters: [1] } },
  { why: 'an update', from: { voters: [1] }, changes: [{ type: 'update', node: 1 }], to: { voters: [1] } },
  {
    why: 'several learners at once',
    from: { voters: [1], learners: [2] },
    changes: [learner(3), remove(2)],
    to: { voters: [1], learners: [3] },
  },
])('simple() makes $why', ({ from, changes, to }) => {
  expect(membershipToConfState(changer(from).simple(changes).membership)).toEqual({ ...EMPTY, ...to });
});

test.each<{ why: string; from: Partial<ConfState>; attempt: (subject: Changer) => unknown }>([
  { why: 'removed all voters', from: { voters: [1] }, attempt: (subject) => subject.simple([remove(1)]) },
  { why: 'removed all voters', from: {}, attempt: (subject) => subject.simple([learner(1)]) },
  { why: 'more than one voter', from: { voters: [1] }, attempt: (subject) => subject.simple([voter(2), voter(3)]) },
  { why: 'more than one voter', from: { voters: [1, 2] }, attempt: (subject) => subject.simple([voter(3), remove(1)]) },
  {
    why: "can't apply simple",
    from: { voters: [1], votersOutgoing: [2] },
    attempt: (subject) => subject.simple([voter(3)]),
  },
  {
    why: 'already joint',
    from: { voters: [1], votersOutgoing: [2] },
    attempt: (subject) => subject.enterJoint(false, []),
  },
  { why: 'zero-voter', from: {}, attempt: (subject) => subject.enterJoint(false, [voter(1)]) },
  { why: 'removed all voters', from: { voters: [1] }, attempt: (subject) => subject.enterJoint(false, [remove(1)]) },
  { why: 'non-joint', from: { voters: [1] }, attempt: (subject) => subject.leaveJoint() },
])('a change that may not be is refused: $why', ({ why, from, attempt }) => {
  expect(() => attempt(changer(from))).toThrow(CoreError);
  expect(() => attempt(changer(from))).toThrow(why);
});

test('a demoted voter of the outgoing set becomes a learner only when the joint configuration is left', () => {
  const joint = changer({ voters: [1, 2] }).enterJoint(true, [learner(2), voter(3)]);
  expect(membershipToConfState(joint.membership)).toEqual({
    voters: [1, 3],
    learners: [],
    votersOutgoing: [1, 2],
    learnersNext: [2],
    autoLeave: true,
  });
  expect(joint.progress.get(2)?.learner).toBe(false);
  const left = new Changer({ ...joint, ...LIMITS }).leaveJoint();
  expect(membershipToConfState(left.membership)).toEqual({ ...EMPTY, voters: [1, 3], learners: [2] });
  expect(left.progress.get(2)?.learner).toBe(true);
});

test('a removed voter of the outgoing set is followed until the joint configuration is left', () => {
  const joint = changer({ voters: [1, 2] }).enterJoint(false, [remove(2)]);
  expect([...joint.progress.keys()]).toEqual([1, 2]);
  expect([...new Changer({ ...joint, ...LIMITS }).leaveJoint().progress.keys()]).toEqual([1]);
});

test('a newcomer is probed from the end of the log and counts as active; others keep their progress', () => {
  const before = restoreMembership({ ...EMPTY, voters: [1] }, LIMITS);
  before.progress.get(1)?.maybeUpdate(7);
  const { progress } = new Changer({ ...before, ...LIMITS }).simple([voter(2)]);
  expect(progress.get(1)?.match).toBe(7);
  expect(progress.get(2)?.view()).toMatchObject({ match: 0, next: 10, recentlyActive: true, state: 'probe' });
});

const single = fc.record({
  type: fc.constantFrom<ConfChangeSingle['type'][]>('add-voter', 'add-learner', 'remove', 'update'),
  node: fc.integer({ min: 0, max: 6 }),
});
const change: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom<ConfChange['transition'][]>('auto', 'joint-implicit', 'joint-explicit'),
  changes: fc.array(single, { maxLength: 4 }),
  context: fc.constant(new Uint8Array(0)),
});

test('whatever is proposed, a membership stays sound, and its majorities overlap with those before', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      let step: MembershipStep = restoreMembership({ ...EMPTY, voters: [1, 2, 3] }, LIMITS);
      for (const next of changes) {
        const before = membershipToConfState(step.membership);
        try {
          // Invariants are checked within; a broken one is no CoreError and fails this test.
          step = new Changer({ ...step, ...LIMITS }).change(next);
        } catch (error) {
          if (!(error instanceof CoreError)) throw error;
          expect(membershipToConfState(step.membership)).toEqual(before);
          continue;
        }
        expect(alwaysOverlap(before, membershipToConfState(step.membership))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

/** Is there no way to have a quorum of both without a common member? Tried out on all sets of members. */
function alwaysOverlap(first: ConfState, second: ConfState): boolean {
  const ids = [1, 2, 3, 4, 5, 6];
  for (let mask = 0; mask < 2 ** ids.length; mask++) {
    const inside = ids.filter((_, at) => (mask >> at) % 2 === 1);
    const outside = ids.filter((id) => !inside.includes(id));
    if (isQuorum(first, inside) && isQuorum(second, outside)) return false;
  }
  return true;
}

function isQuorum(conf: ConfState, ids: readonly NodeId[]): boolean {
  return [conf.voters, conf.votersOutgoing].every(
    (voters) => voters.length === 0 || voters.filter((id) => ids.includes(id)).length * 2 > voters.length,
  );
}

test('a stored membership comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 10 }), (changes) => {
      let step: MembershipStep = restoreMembership({ ...EMPTY, voters: [1, 2, 3] }, LIMITS);
      for (const next of changes) {
        try {
          step = new Changer({ ...step, ...LIMITS }).change(next);
        } catch (error) {
          if (!(error instanceof CoreError)) throw error;
        }
      }
      const conf = membershipToConfState(step.membership);
      const restored = restoreMembership(conf, LIMITS);
      expect(membershipToConfState(restored.membership)).toEqual(conf);
      expect(new Set(restored.progress.keys())).toEqual(new Set(step.progress.keys()));
    }),
  );
});
