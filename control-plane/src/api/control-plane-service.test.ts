import { ControlPlaneService, MemberKind } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { PaperMember } from './testing/paper-member.ts';

const { method } = ControlPlaneService;

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
});

afterEach(() => member.stop());

const addition = { id: 4n, grpcAddress: 'm4:7600', peerAddress: '[::1]:7601', httpAddress: '127.0.0.1:7602' };

test('changes of membership are asked of the leader as they came, and answered with all members', async () => {
  const added = await member.call(method.addMember, addition);
  await member.call(method.promoteMember, { id: 4n });
  await member.call(method.removeMember, { id: 2n, force: true });
  expect(member.consensus.changes).toEqual([
    { kind: 'add', id: 4, grpc: 'm4:7600', peers: '[::1]:7601', http: '127.0.0.1:7602' },
    { kind: 'promote', id: 4 },
    { kind: 'remove', id: 2, force: true },
  ]);
  expect(added.members.map(({ id }) => id)).toEqual([1n, 2n, 3n]);
});

test('a change that the leader refuses is a coded error', async () => {
  const refusal = new CellError('CELL_E_NOT_CAUGHT_UP', 'Member 4 has not caught up');
  member.consensus.changeMembership = () => Promise.reject(refusal);
  const promoted = member.call(method.promoteMember, { id: 4n });
  await expect(promoted).rejects.toMatchObject({ code: 'CELL_E_NOT_CAUGHT_UP', message: refusal.message });
});

test('a change is answered also if this member does not come to know of it in time', async () => {
  member.consensus.readBarrier = () => Promise.reject(new CellError('CELL_E_TIMEOUT', 'Too late'));
  await expect(member.call(method.removeMember, { id: 1n })).resolves.toMatchObject({ index: 0n });
});

test.each([
  ['no id', { id: 0n }],
  ['an id that is too large', { id: 1_000_001n }],
  ['no address', { peerAddress: '' }],
  ['an address without a port', { grpcAddress: 'm4' }],
  ['port 0', { grpcAddress: 'm4:0' }],
  ['a port that does not exist', { httpAddress: 'm4:65536' }],
  ['an address with a scheme', { httpAddress: 'http://m4:7602' }],
])('a member with %s is refused, and nobody is asked', async (_what, changes) => {
  await expect(member.call(method.addMember, { ...addition, ...changes })).rejects.toMatchObject({
    code: 'CELL_E_INVALID',
  });
  expect(member.consensus.changes).toEqual([]);
});

test('the status tells what each member is, and what the leader knows of it', async () => {
  const { conf } = member.consensus;
  member.consensus.conf = { ...conf, voters: [1], learners: [3] };
  member.consensus.write({ kind: 'leader-elected', timeMs: 1, member: 1 });
  member.consensus.replication = async () => ({
    lastIndex: 90,
    members: [
      { id: 1, matchIndex: 90, state: 'replicate', lastContactMs: undefined, learner: false },
      { id: 3, matchIndex: 50, state: 'snapshot', lastContactMs: 250, learner: true },
    ],
  });
  const { members } = await member.call(method.getControlPlaneStatus, {});
  const disk = { diskFreeBytes: 2n ** 40n, diskFull: false };
  expect(members).toMatchObject([
    { id: 1n, kind: MemberKind.VOTER, matchIndex: 90n, lagEntries: 0n, replication: 'replicate', ...disk },
    { id: 2n, kind: MemberKind.INVITED, replication: '', ...disk },
    {
      id: 3n,
      kind: MemberKind.LEARNER,
      matchIndex: 50n,
      lagEntries: 40n,
      replication: 'snapshot',
      lastContactMs: 250n,
    },
  ]);
  expect(members[0]?.lastContactMs).toBeUndefined();
  expect(members[1]?.matchIndex).toBeUndefined();
});

test('without a leader the status tells what members say of themselves', async () => {
  member.consensus.lead({ leaderId: 0, leading: false, term: 2 });
  const { members, leaderId } = await member.call(method.getControlPlaneStatus, {});
  expect(leaderId).toBe(0n);
  expect(members).toMatchObject([1n, 2n, 3n].map((id) => ({ id, kind: MemberKind.VOTER, reachable: true })));
  for (const { matchIndex, lagEntries, lastContactMs, replication } of members) {
    expect({ matchIndex, lagEntries, lastContactMs, replication }).toEqual({ replication: '' });
  }
});

test('a recovery is passed on to the survivor, and begun only by the name of the cluster', async () => {
  const plan = { lastIndex: 7, dropped: [2, 3], clusterId: 'next' };
  const asked: string[] = [];
  member.recovery.plan = async (force) => {
    asked.push(`plan ${force}`);
    return plan;
  };
  member.recovery.run = async (force) => {
    asked.push(`run ${force}`);
    return plan;
  };
  const answer = { lastIndex: 7n, dropped: [2n, 3n], clusterId: 'next' };
  expect(await member.call(method.recoverQuorum, { survivor: 1n })).toMatchObject({ ...answer, started: false });
  const other = member.call(method.recoverQuorum, { survivor: 1n, confirmCluster: 'scissors' });
  await expect(other).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
  const run = await member.call(method.recoverQuorum, { survivor: 1n, confirmCluster: 'paper', force: true });
  expect(run).toMatchObject({ ...answer, started: true });
  expect(asked).toEqual(['plan false', 'run true']);
  const elsewhere = await member.call(method.recoverQuorum, { survivor: 2n, confirmCluster: 'paper' });
  expect(elsewhere).toMatchObject({ clusterId: 'recovered', started: true });
  await expect(member.call(method.recoverQuorum, { survivor: 9n })).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
  const astray = { survivor: 2, confirmCluster: '', force: false };
  await expect(member.served.recover(astray)).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
});
