import { expect, test } from 'vitest';
import { EMPTY_CONF_STATE } from '../../core/index.ts';
import { OverlappingMemberships } from './overlapping-memberships.ts';
import { changeEntry, logOfEntries, memberView, valueEntry } from './testing/views.ts';

function conf(voters: number[], votersOutgoing: number[] = []) {
  return { ...EMPTY_CONF_STATE, voters, votersOutgoing };
}

const check = new OverlappingMemberships(() => logOfEntries([]));

test.each([
  { why: 'two voters at once', before: conf([1, 2, 3]), after: conf([1, 4, 5]) },
  { why: 'a joint configuration with other old voters', before: conf([1, 2, 3]), after: conf([4], [1, 2]) },
  { why: 'a joint configuration left for other voters', before: conf([4, 5], [1, 2]), after: conf([4]) },
  { why: 'a joint configuration that changes', before: conf([4, 5], [1, 2]), after: conf([4, 5], [1]) },
])('$why are reported', ({ before, after }) => {
  expect(check.reconfigured(memberView(), before, after)).toMatch(/at once/);
});

test.each([
  { before: conf([1, 2, 3]), after: conf([1, 2, 3, 4]) },
  { before: conf([1, 2, 3]), after: conf([4, 5], [1, 2, 3]) },
  { before: conf([4, 5], [1, 2, 3]), after: conf([4, 5]) },
  { before: conf([4, 5], [1, 2, 3]), after: conf([4, 5], [1, 2, 3]) },
])('$before.voters may become $after.voters', ({ before, after }) => {
  expect(check.reconfigured(memberView(), before, after)).toBeUndefined();
});

test('a leader with two changes under way is reported', () => {
  const entries = [valueEntry(2, 1), changeEntry(2, 2), changeEntry(2, 3)];
  const watched = new OverlappingMemberships(() => logOfEntries(entries));
  const leader = memberView({ role: 'leader', term: 2, lastIndex: 3, commit: 1 });
  expect(watched.logged(leader, entries.slice(2))).toMatch(/changes of membership at \[2 3\]/);
  expect(watched.logged({ ...leader, commit: 2 }, entries.slice(2))).toBeUndefined();
  expect(watched.logged({ ...leader, role: 'follower' }, entries.slice(2))).toBeUndefined();
});
