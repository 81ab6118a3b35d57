import type { RaftStatus } from '@cell/raft';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import type { MemberStatus, RecoveryPlan } from '../ports.ts';
import { QuorumRecovery } from './quorum-recovery.ts';

interface World {
  readonly leaderId?: number;
  /** What the others that can be reached say. */
  readonly living?: Readonly<Record<number, Partial<MemberStatus>>>;
  /** It answers that it is not up yet. */
  readonly starting?: number;
  readonly voters?: readonly number[];
  readonly votersOutgoing?: readonly number[];
}

/** Member 1 of three, whose log ends at index 50 of term 4. */
function recovery({ leaderId = 0, living = {}, starting, voters = [1, 2, 3], votersOutgoing = [] }: World) {
  const begun: RecoveryPlan[] = [];
  const conf = { voters, votersOutgoing, learners: [], learnersNext: [], autoLeave: false };
  const made = new QuorumRecovery({
    consensus: {
      memberId: 1,
      clusterId: 'old',
      leadership: { leaderId, leading: false, term: 5 },
      status: () => ({ lastIndex: 50, conf }) as unknown as RaftStatus,
    },
    peers: {
      members: [1, 2, 3].map((id) => ({ id, grpc: '', peers: '', http: '' })),
      member: (id) => {
        if (id === starting) return Promise.reject(new CellError('CELL_E_STARTING', 'still starting'));
        const status = living[id];
        if (status === undefined) return Promise.reject(new CellError('CELL_E_PEER_UNREACHABLE', 'away'));
        return Promise.resolve({ leaderId: 0, lastIndex: 1, lastTerm: 1, ...status } as MemberStatus);
      },
    },
    lastTerm: () => 4,
    clusterId: 'new',
    clock: {
      after: (_, callback) => {
        callback();
        return () => {};
      },
    },
    log: pino({ level: 'silent' }),
    begin: (plan) => begun.push(plan),
  });
  return { made, begun };
}

const plan = { lastIndex: 50, dropped: [2, 3], clusterId: 'new' };

test('a member that reaches nobody may go on alone; planning alone begins nothing', async () => {
  const { made, begun } = recovery({});
  expect(await made.plan(false)).toEqual(plan);
  expect(begun).toEqual([]);
  expect(await made.run(false)).toEqual(plan);
  expect(begun).toEqual([plan]);
  await expect(made.run(false)).rejects.toThrow('under way');
});

test.each<[string, World, RegExp]>([
  ['a leader is known', { leaderId: 2 }, /has a leader, member 2/],
  ['another member knows a leader', { living: { 2: { leaderId: 3 } } }, /member 2 knows a leader, member 3/],
  ['a majority can be reached', { living: { 3: {} } }, /members 1, 3 can be reached/],
  [
    'a majority of both halves of a change can be reached',
    { living: { 2: {} }, voters: [1, 2], votersOutgoing: [1, 2, 3] },
    /can be reached/,
  ],
])('it is refused while %s, even by force', async (_, world, reason) => {
  const { made, begun } = recovery(world);
  for (const force of [false, true]) {
    await expect(made.run(force)).rejects.toMatchObject({
      code: 'CELL_E_CONFLICT',
      message: expect.stringMatching(reason),
    });
  }
  expect(begun).toEqual([]);
});

test.each([
  ['a later term', { lastTerm: 5, lastIndex: 2 }],
  ['the same term and a later index', { lastTerm: 4, lastIndex: 51 }],
])('another member that can be reached and has %s is better to go on with, unless people insist', async (_, log) => {
  const world = { living: { 2: log }, voters: [1, 2, 3, 4, 5] };
  await expect(recovery(world).made.run(false)).rejects.toThrow(/member 2 has more of the log/);
  const { made, begun } = recovery(world);
  await made.run(true);
  expect(begun).toEqual([plan]);
});

test.each<[string, World, RegExp]>([
  ['is starting may come with more', { starting: 2 }, /member 2 is starting/],
  ['votes may have more than one that does not', { voters: [2, 3, 4] }, /member 1 has no vote/],
])('another member that %s, so it is refused unless people insist', async (_, world, reason) => {
  await expect(recovery(world).made.run(false)).rejects.toThrow(reason);
  const { made, begun } = recovery(world);
  await made.run(true);
  expect(begun).toEqual([plan]);
});

test('a learner that has nothing of the log yet can not go on, even by force: all workloads would end', async () => {
  const { made, begun } = recovery({ voters: [] });
  await expect(made.run(true)).rejects.toThrow(/has nothing of the log/);
  expect(begun).toEqual([]);
});

test('another member with as much of the log, or less, is no reason against it', async () => {
  for (const log of [
    { lastTerm: 4, lastIndex: 50 },
    { lastTerm: 3, lastIndex: 99 },
  ]) {
    expect(await recovery({ living: { 2: log }, voters: [1, 2, 3, 4, 5] }).made.plan(false)).toEqual(plan);
  }
});

test('a majority of one half of a change is not enough to elect a leader, and no reason against it', async () => {
  const world = { living: { 2: {} }, voters: [1, 2, 4], votersOutgoing: [1, 3, 4] };
  expect(await recovery(world).made.plan(false)).toEqual(plan);
});
