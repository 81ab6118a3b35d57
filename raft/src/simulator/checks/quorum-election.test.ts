import { expect, test } from 'vitest';
import { EMPTY_CONF_STATE } from '../../core/index.ts';
import { QuorumElection } from './quorum-election.ts';
import { changeEntry, logOfEntries, logOfTerms, memberView, sentMessage, valueEntry } from './testing/views.ts';

/** Member 1 comes to lead term 2 after these others voted for it. */
function elect(voters: number[], conf: { voters: number[]; votersOutgoing?: number[] }): string | undefined {
  const check = new QuorumElection(() => logOfTerms());
  for (const from of voters) check.sent(sentMessage({ type: 'vote-response', from, to: 1, term: 2 }));
  const view = memberView({ term: 2, conf: { ...EMPTY_CONF_STATE, ...conf } });
  return check.stepped({ ...view, role: 'candidate' }, { ...view, role: 'leader' });
}

test('a leader without a majority is reported', () => {
  expect(elect([], { voters: [1, 2, 3] })).toMatch(/votes of \[1\] of \[1 2 3\]/);
  expect(elect([2], { voters: [1, 2, 3, 4] })).toMatch(/votes of \[1 2\]/);
});

test('votes of those who have none, refusals, and votes of other terms do not count', () => {
  expect(elect([4, 5], { voters: [1, 2, 3] })).toMatch(/votes of \[1\]/);
  const check = new QuorumElection(() => logOfTerms());
  check.sent(sentMessage({ type: 'vote-response', from: 2, to: 1, term: 2, reject: true }));
  check.sent(sentMessage({ type: 'vote-response', from: 3, to: 1, term: 1 }));
  check.sent(sentMessage({ type: 'pre-vote-response', from: 3, to: 1, term: 2 }));
  expect(check.stepped(undefined, memberView({ role: 'leader', term: 2 }))).toMatch(/votes of \[1\]/);
});

test('a joint configuration needs both majorities', () => {
  expect(elect([2], { voters: [1, 2, 3], votersOutgoing: [4, 5, 6] })).toMatch(/of \[4 5 6\]/);
  expect(elect([2, 4, 5], { voters: [1, 2, 3], votersOutgoing: [4, 5, 6] })).toBeUndefined();
});

test('a majority elects', () => {
  expect(elect([3], { voters: [1, 2, 3] })).toBeUndefined();
  expect(elect([], { voters: [1] })).toBeUndefined();
});

test('a leader that has not applied a committed change of membership is reported', () => {
  const check = new QuorumElection(() => logOfEntries([valueEntry(1, 1), changeEntry(1, 2), changeEntry(1, 3)]));
  const leader = memberView({ role: 'leader', term: 2, lastIndex: 3, conf: { ...EMPTY_CONF_STATE, voters: [1] } });
  expect(check.stepped(undefined, { ...leader, commit: 2, applied: 1 })).toMatch(/change of membership at 2/);
  expect(check.stepped(undefined, { ...leader, commit: 2, applied: 2 })).toBeUndefined();
});
