import { expect, test } from 'vitest';
import type { AuthorityRow } from '../model/identity.ts';
import { describeMember, unreadiness } from './readiness.ts';

const follower = { leaderId: 2, leading: false, term: 1 };
const status = { disk: 'ok', commit: 5_000, applied: 5_000 } as const;
const state = { authorities: [{} as AuthorityRow] };

test('a member is ready with a leader, room on its disk, and what it applies not far behind', () => {
  expect(unreadiness(follower, status, state)).toBeUndefined();
  expect(unreadiness({ ...follower, leaderId: 0 }, status, state)).toBe('No leader is known');
  const problems = ['Cannot reach member 1: the clocks differ', 'Cannot reach member 2: the clocks differ'];
  expect(unreadiness({ ...follower, leaderId: 0 }, status, state, problems)).toBe(
    'No leader is known. Cannot reach member 1: the clocks differ',
  );
  expect(unreadiness(follower, status, state, problems)).toBeUndefined();
  expect(unreadiness(follower, { ...status, applied: 3_999 }, state)).toBe('Applying the log: 1001 entries are left');
  expect(unreadiness(follower, status, { authorities: [] })).toMatch(/^The authority of the cluster is not/);
  expect(unreadiness(follower, { ...status, disk: 'full' }, state)).toMatch(/^Disk is full/);
});

test('a member that is ready says its part and how many agents it has', () => {
  expect(describeMember(follower, 1, 1)).toBe('Member 1, follows member 2; 1 agent is connected here');
  expect(describeMember({ leaderId: 1, leading: true, term: 1 }, 1, 12)).toBe(
    'Member 1, leader; 12 agents are connected here',
  );
});
