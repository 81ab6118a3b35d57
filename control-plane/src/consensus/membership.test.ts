import { expect, onTestFinished, test } from 'vitest';
import type { MembershipChange } from '../ports.ts';
import type { Command } from '../state/commands.ts';
import { exampleAddresses, exampleFounder } from '../state/testing/fleet-arbitraries.ts';
import { type LocalCluster, type LocalMember, startLocalCluster } from './testing/local-cluster.ts';

/** Of calls that are to succeed, on a machine that has other things to do. */
const timeoutMs = 30_000;

/** Members are written down; the newcomers are not started. */
async function testCluster(founders: number, newcomers = 0): Promise<LocalCluster> {
  const cluster = await startLocalCluster(founders, 'local', newcomers);
  onTestFinished(() => cluster.stop());
  const leader = await cluster.leader();
  const members = Array.from({ length: founders }, (_, place) => exampleFounder(place + 1));
  await leader.running.consensus.submit({ kind: 'found-members', timeMs: 1, members }, timeoutMs);
  return cluster;
}

function change(member: LocalMember, asked: MembershipChange): Promise<number> {
  return member.running.consensus.changeMembership(asked, timeoutMs);
}

const add = (id: number, at = id): MembershipChange => ({ kind: 'add', id, ...exampleAddresses(at) });
const promote = (id: number): MembershipChange => ({ kind: 'promote', id });
const remove = (id: number, force = false): MembershipChange => ({ kind: 'remove', id, force });

function mark(sequence: number): Command {
  return { kind: 'write-mark', timeMs: 1, drillId: 'drill', sequence };
}

function confOf(member: LocalMember) {
  const { voters, learners } = member.running.consensus.status().conf;
  return { voters, learners };
}

function statusOf(member: LocalMember, id: number) {
  return member.running.consensus.state.members.get(id)?.status;
}

/** Until the learner has caught up; every other refusal ends the test. */
async function promoteInTime(by: LocalMember, id: number): Promise<void> {
  await expect
    .poll(
      () =>
        change(by, promote(id)).then(
          () => 'done',
          (error) => error.code,
        ),
      { timeout: timeoutMs },
    )
    .toSatisfy((outcome) => {
      if (outcome !== 'done') expect(outcome).toBe('CELL_E_NOT_CAUGHT_UP');
      return outcome === 'done';
    });
}

test('a member is added and promoted through any other one, and all members come to know', async () => {
  const cluster = await testCluster(3, 1);
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member.up && member !== leader)!;
  const newcomer = cluster.members[3]!;
  const index = await change(follower, add(4));
  expect(confOf(leader)).toEqual({ voters: [1, 2, 3], learners: [4] });
  expect(leader.running.consensus.state.members.get(4)).toMatchObject({ status: 'invited', modifyIndex: index });
  expect(await change(follower, add(4))).toBe(index);
  await expect(change(follower, add(4, 7))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  await expect(change(follower, add(5, 2))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  await expect(change(follower, promote(4))).rejects.toMatchObject({ code: 'CELL_E_NOT_CAUGHT_UP' });
  await newcomer.start();
  await promoteInTime(follower, 4);
  await leader.running.consensus.submit(mark(1), timeoutMs);
  await expect
    .poll(() => cluster.members.map(confOf))
    .toEqual(Array.from({ length: 4 }, () => ({ voters: [1, 2, 3, 4], learners: [] })));
  await expect.poll(() => newcomer.running.consensus.state.drills.size).toBe(1);
  expect(statusOf(newcomer, 4)).toBe('invited');
  const types = newcomer.running.consensus.state.events.map(({ type, subject }) => `${type} ${subject}`);
  expect(types).toEqual(expect.arrayContaining(['MemberInvited control-plane/4', 'MemberPromoted control-plane/4']));
  await change(follower, promote(4));
});

test('a leader that is to be removed hands over, and the next one removes it; its id is used up', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const others = cluster.members.filter((member) => member !== leader);
  await change(leader, remove(leader.id));
  const voters = others.map(({ id }) => id);
  await expect.poll(() => others.map(confOf)).toEqual(others.map(() => ({ voters, learners: [] })));
  expect(others.map((member) => statusOf(member, leader.id))).toEqual(['removed', 'removed']);
  await expect(others[0]!.running.consensus.submit(mark(1), timeoutMs)).resolves.toMatchObject({ ok: true });
  await change(others[0]!, remove(leader.id));
  await expect(change(others[0]!, add(leader.id))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  await expect(change(others[0]!, promote(leader.id))).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
  // Whoever led has come to no harm, and leads no more.
  expect(leader.fatal).toEqual([]);
  await expect.poll(() => leader.running.consensus.leadership.leading).toBe(false);
});

test('the leader of two hands over to the one that stays', async () => {
  const cluster = await testCluster(2);
  const leader = await cluster.leader();
  const other = cluster.members.find((member) => member !== leader)!;
  await change(leader, remove(leader.id));
  await expect.poll(() => confOf(other)).toEqual({ voters: [other.id], learners: [] });
  // Had it removed itself, the other one might never come to know that this is committed.
  expect(other.logged).toContainEqual(
    expect.objectContaining({ msg: `Membership changed: removing member ${leader.id}` }),
  );
  await leader.stop();
  await expect(other.running.consensus.submit(mark(1), timeoutMs)).resolves.toMatchObject({ ok: true });
  await expect(change(other, remove(other.id, true))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
});

test('a dead member can be removed, and one that the others need cannot', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const [dead, needed] = cluster.members.filter((member) => member !== leader) as [LocalMember, LocalMember];
  await dead.stop();
  const contactMs = () =>
    leader.running.consensus.status().members.find(({ id }) => id === dead.id)?.lastContactMs ?? 0;
  await expect.poll(contactMs).toBeGreaterThan(160);
  await expect(change(needed, remove(needed.id))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  await expect(change(needed, remove(9))).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
  await change(needed, remove(dead.id));
  await expect.poll(() => confOf(needed).voters).toEqual([leader.id, needed.id].sort((one, other) => one - other));
});

test('of two changes at once one is refused, and says which other one is under way', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const outcomes = await Promise.allSettled([change(leader, add(4)), change(leader, add(5))]);
  expect(outcomes).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'CELL_E_CONFLICT', message: expect.stringContaining('adding member 4') } },
  ]);
  await change(leader, add(5));
  expect(confOf(leader).learners).toEqual([4, 5]);
});

test('before the founders are written down nothing is changed', async () => {
  const cluster = await startLocalCluster(1);
  onTestFinished(() => cluster.stop());
  await expect(change(await cluster.leader(), add(4))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
});

test('a member that starts again has the same members, from its log alone', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  await change(leader, add(4));
  await change(leader, remove(leader.id === 1 ? 2 : 1));
  const before = new Map(leader.running.consensus.state.members);
  expect([...before.values()].map(({ status }) => status).sort()).toEqual(['invited', 'member', 'member', 'removed']);
  await leader.stop();
  await leader.start();
  await leader.running.consensus.readBarrier(timeoutMs);
  expect(new Map(leader.running.consensus.state.members)).toEqual(before);
});

test('without a leader a change is refused, and nobody can say how far the members are', async () => {
  const cluster = await testCluster(3);
  const [first, second, third] = cluster.members as [LocalMember, LocalMember, LocalMember];
  const { lastIndex, members } = await second.running.consensus.replication(timeoutMs);
  expect(lastIndex).toBeGreaterThan(1);
  expect(members.map(({ id }) => id)).toEqual([1, 2, 3]);
  await Promise.all([first.stop(), third.stop()]);
  await expect.poll(() => second.running.consensus.leadership.leaderId).toBe(0);
  await expect(change(second, add(4))).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  await expect(second.running.consensus.replication(100)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
});
