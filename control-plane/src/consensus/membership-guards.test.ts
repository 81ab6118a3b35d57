import { expect, test } from 'vitest';
import { checkCaughtUp, checkRemoval, LAG_ENTRIES_MAX, type LeaderView, reachableVoters } from './membership-guards.ts';

const electionMs = 400;
type MemberOfView = LeaderView['members'][number];

/** Member 1 leads, and has the log up to 5,000. All others have it too, and were heard of just now. */
function view(changes: Partial<Record<number, Partial<MemberOfView>>>, voters = [1, 2, 3], learners = [4]): LeaderView {
  const members = [...voters, ...learners].map((id): MemberOfView => {
    const lastContactMs = id === 1 ? undefined : 50;
    const learner = learners.includes(id);
    const replicating = { match: 5_000, state: 'replicate', recentlyActive: true, inflightBytes: 0 } as const;
    return { id, learner, ...replicating, lastContactMs, ...changes[id] };
  });
  const conf = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  return { id: 1, conf, lastIndex: 5_000, members };
}

test('a learner that has nearly all and was heard of just now has caught up', () => {
  expect(() => checkCaughtUp(view({ 4: { match: 5_000 - LAG_ENTRIES_MAX } }), 4, electionMs)).not.toThrow();
  expect(() => checkCaughtUp(view({ 4: { lastContactMs: electionMs } }), 4, electionMs)).not.toThrow();
  expect(() => checkCaughtUp(view({ 4: { state: 'probe' } }), 4, electionMs)).not.toThrow();
});

test.each<[string, Partial<MemberOfView>, RegExp]>([
  ['was never heard of', { lastContactMs: undefined, match: 0 }, /never heard of it .*up to 0 of 5000.*lacks 5000/],
  ['was heard of too long ago', { lastContactMs: electionMs + 1 }, /heard of it 401 ms ago, and 400 ms/],
  ['gets a snapshot', { state: 'snapshot' }, /sent a snapshot/],
  ['lacks an entry too many', { match: 4_999 - LAG_ENTRIES_MAX }, /up to 3999 of 5000, and lacks 1001 entries of at/],
])('a learner that %s has not caught up, and the error tells the figures', (_what, changes, message) => {
  const refused = expect.objectContaining({ code: 'CELL_E_NOT_CAUGHT_UP', message: expect.stringMatching(message) });
  expect(() => checkCaughtUp(view({ 4: changes }), 4, electionMs)).toThrow(refused);
});

const away = { lastContactMs: 9_000 };

test.each<[string, LeaderView, number, boolean, RegExp | undefined]>([
  ['one of three', view({}), 3, false, undefined],
  ['the leader of three', view({}), 1, false, undefined],
  ['the dead one of three', view({ 3: away }), 3, false, undefined],
  [
    'a living one of three when another is dead',
    view({ 3: away }),
    2,
    false,
    /2 of the 2 that remain .* member 3 cannot/,
  ],
  ['the same by force', view({ 3: away }), 2, true, undefined],
  [
    'a dead one of five when another two are',
    view({ 3: away, 4: away, 5: away }, [1, 2, 3, 4, 5], []),
    3,
    false,
    /3 of/,
  ],
  ['a dead one of four when another is', view({ 3: away, 4: away }, [1, 2, 3, 4], []), 3, false, undefined],
  [
    'one that was never heard of counts as away',
    view({ 3: { lastContactMs: undefined } }),
    2,
    false,
    /member 3 cannot/,
  ],
  ['a learner, whoever is away', view({ 2: away, 3: away }), 4, false, undefined],
  ['the last voter', view({}, [1], [4]), 1, false, /last one that votes/],
  ['the last voter by force', view({}, [1], [4]), 1, true, /last one that votes/],
  ['one of two', view({}, [1, 2], []), 2, false, undefined],
])('removing %s', (_what, known, id, force, refusal) => {
  const check = () => checkRemoval(known, id, force, electionMs);
  if (refusal === undefined) return expect(check).not.toThrow();
  const expected = expect.objectContaining({ code: 'CELL_E_CONFLICT', message: expect.stringMatching(refusal) });
  expect(check).toThrow(expected);
});

test('who has the most of the log is the first to hand over to; learners and those that are away are not asked', () => {
  const known = view({ 2: { match: 4_000 }, 3: { match: 4_500 }, 5: away }, [1, 2, 3, 5], [4]);
  expect(reachableVoters(known, electionMs)).toEqual([3, 2]);
});
