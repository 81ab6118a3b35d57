import { expect, test } from 'vitest';
import { exampleFounder, TestFleet } from '../state/testing/fleet-arbitraries.ts';
import { DISK_FREE_BYTES_MIN, LAG_ENTRIES_MAX, LEARNER_MS_MAX } from './limits.ts';
import { type MemberFacts, memberProblems } from './member-problems.ts';

const voter = (id: number, changes: Partial<MemberFacts> = {}): MemberFacts => {
  return { id, kind: 'voter', reachable: true, lagEntries: 0, diskFreeBytes: 2 ** 40, ...changes };
};

function founded(...ids: readonly number[]): TestFleet {
  const fleet = new TestFleet();
  fleet.apply({ kind: 'found-members', members: ids.map(exampleFounder) });
  return fleet;
}

/** With member 1 as the leader. */
function told(fleet: TestFleet, members: readonly MemberFacts[], laterMs = 0): string {
  const problems = memberProblems(fleet.tables, { leaderId: 1, members, nowMs: fleet.timeMs + laterMs });
  return problems.map(({ severity, message, advice }) => `\n${severity}: ${message}\n  ${advice}`).join('');
}

test('three members with room, all of them level, are no problem, and neither is one alone', () => {
  expect(told(founded(1, 2, 3), [voter(1), voter(2), voter(3)])).toBe('');
  expect(told(founded(1), [voter(1)])).toBe('');
});

test('a full disk is critical, and one that is nearly full is told in time', () => {
  const [some, few] = [DISK_FREE_BYTES_MIN, DISK_FREE_BYTES_MIN - 1];
  const members = [voter(1, { diskFreeBytes: some }), voter(2, { diskFreeBytes: few }), voter(3, { diskFull: true })];
  expect(told(founded(1, 2, 3), members)).toMatchInlineSnapshot(`
    "
    warning: Disk of member 2 is nearly full: 511 MiB are free
      Make room there: it should have 512 MiB
    critical: Disk of member 3 is full: it stores nothing
      Make room there; it goes on by itself then"
  `);
});

test('voters that are far behind are told; those that are only a little, or whose lag is unknown, are not', () => {
  const far = [voter(1), voter(2, { lagEntries: LAG_ENTRIES_MAX + 1 }), voter(3, { getsSnapshot: true })];
  expect(told(founded(1, 2, 3), far)).toMatchInlineSnapshot(`
    "
    warning: Member 2 is 10001 entries behind the leader
      Look at its disk and its network if this lasts: until it has caught up, it is no help if another is lost
    warning: Member 3 is so far behind that it is being sent a snapshot
      Look at its disk and its network if this lasts: until it has caught up, it is no help if another is lost"
  `);
  const near = [voter(1), voter(2, { lagEntries: LAG_ENTRIES_MAX }), voter(3, { lagEntries: undefined })];
  expect(told(founded(1, 2, 3), near)).toBe('');
});

test('members that were added and then forgotten are told after a while, with what to do', () => {
  const fleet = founded(1, 2, 3);
  const members = [voter(1), voter(2), voter(3), voter(4, { kind: 'learner', reachable: false })];
  fleet.invite(4);
  expect(told(fleet, members, LEARNER_MS_MAX)).toBe('');
  expect(told(fleet, members, LEARNER_MS_MAX + 1)).toMatchInlineSnapshot(`
    "
    warning: Member 4 was added 10 minutes ago, and has not come
      Start "cell-control-plane" there, or take it out with "cellctl control-plane remove 4""
  `);
  fleet.apply({ kind: 'admit-member', id: 4, incarnation: 'name' });
  const there = members.with(3, voter(4, { kind: 'learner', lagEntries: 9 * LAG_ENTRIES_MAX, getsSnapshot: true }));
  expect(told(fleet, there, LEARNER_MS_MAX)).toBe('');
  expect(told(fleet, there, 3 * LEARNER_MS_MAX)).toMatchInlineSnapshot(`
    "
    warning: Member 4 came 30 minutes ago, and has no vote
      Say "cellctl control-plane promote 4", or take it out with "cellctl control-plane remove 4""
  `);
  expect(told(fleet, members.with(3, voter(4)).slice(1), 3 * LEARNER_MS_MAX)).toBe('');
});

test('an even number of voters is told to be no better than one less', () => {
  expect(told(founded(1, 2), [voter(1), voter(2)])).toMatchInlineSnapshot(`
    "
    warning: 2 members vote: none may be lost, as with 1
      Add and promote one more, or remove one"
  `);
  expect(
    told(
      founded(1, 2, 3, 4),
      [1, 2, 3, 4].map((id) => voter(id)),
    ),
  ).toContain('no more than 1 may be lost, as with 3');
});

test('a learner that is away, or invited, does not count among those that must be there', () => {
  const fleet = founded(1, 2, 3);
  const others = [voter(4, { kind: 'learner', reachable: false }), voter(5, { kind: 'invited', reachable: false })];
  expect(told(fleet, [voter(1), voter(2), voter(3), ...others])).toBe('');
  expect(told(fleet, [voter(1), voter(2), voter(3, { reachable: false }), ...others])).toContain('2 of 3 are there');
});

test('a recovery is told loudly until three members vote again', () => {
  const fleet = founded(1, 2, 3);
  fleet.apply({ kind: 'recover-cluster', survivor: 1, clusterId: 'new', formerClusterId: 'old' });
  expect(told(fleet, [voter(1)])).toMatchInlineSnapshot(`
    "
    critical: The control plane lost its quorum and went on with member 1 alone, without 2, 3, as cluster "new"
      Writes that only lost members had are gone: look for what is missing. Add and promote members until 3 vote"
  `);
  expect(told(fleet, [voter(1), voter(4)])).toContain('went on with member 1 alone');
  expect(told(fleet, [voter(1), voter(4), voter(5)])).toBe('');
});
