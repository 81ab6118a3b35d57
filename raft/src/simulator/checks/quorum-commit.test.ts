import { expect, test } from 'vitest';
import { EMPTY_CONF_STATE } from '../../core/index.ts';
import type { MemberView } from './check.ts';
import { QuorumCommit } from './quorum-commit.ts';
import { logOfTerms, memberView } from './testing/views.ts';

/** Leader 1 of term 2 commits index 2, while the disks of members 1, 2, … end in these terms. */
function commit(disks: number[][], fields: Partial<MemberView> = {}): string | undefined {
  const check = new QuorumCommit((id) => logOfTerms(...(disks[id - 1] ?? [])));
  const leader = memberView({ role: 'leader', term: 2, commit: 2, lastIndex: 2, ...fields });
  return check.committed(leader, 0, logOfTerms(1, 2));
}

test('what a minority has on its disks is not committed', () => {
  expect(commit([[1, 2], [1], []])).toMatch(/durable on \[1\]/);
  expect(commit([[1, 2], [1, 1], []])).toMatch(/durable on \[1\]/);
});

test('an entry of an earlier term is not committed by counting', () => {
  expect(
    commit(
      [
        [1, 2],
        [1, 2],
      ],
      { term: 3 },
    ),
  ).toMatch(/of term 2 by counting/);
});

test('a joint configuration needs both majorities', () => {
  const conf = { ...EMPTY_CONF_STATE, voters: [1, 2, 3], votersOutgoing: [4, 5, 6] };
  expect(commit([[1, 2], [1, 2], [], [1, 2]], { conf })).toMatch(/voters \[4 5 6\]/);
  expect(commit([[1, 2], [1, 2], [], [1, 2], [1, 2]], { conf })).toBeUndefined();
});

test('what a majority has is committed, with or without the leader; followers commit what they are told', () => {
  expect(commit([[], [1, 2], [1, 2]])).toBeUndefined();
  expect(commit([], { role: 'follower' })).toBeUndefined();
});
