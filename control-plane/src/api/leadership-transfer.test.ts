import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { FakeClock, settle } from '../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import type { Consensus, Peers } from '../ports.ts';
import { type TransferParts, transferFromHere, transferLeadership } from './leadership-transfer.ts';

type Follower = ReturnType<Consensus['status']>['members'][number];

let clock: FakeClock;
let consensus: MemoryConsensus;
let parts: TransferParts;
let followers: Follower[];

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  followers = [follower(1, 99, true), follower(2, 40, true), follower(3, 41, true)];
  consensus.status = () => ({ members: followers }) as unknown as ReturnType<Consensus['status']>;
  consensus.transferLeadership = async () => {};
  const members = [1, 2, 3].map((id) => ({ id, grpc: '', peers: '', http: '' }));
  const transfer = async (leader: number, target: number) => leader * 100 + target;
  parts = { consensus, clock, peers: { members, transfer } as unknown as Peers };
});

function follower(id: number, match: number, recentlyActive: boolean): Follower {
  return { id, match, recentlyActive, learner: false, state: 'replicate', lastContactMs: 0, inflightBytes: 0 };
}

function elect(leaderId: number) {
  consensus.lead({ leaderId, leading: leaderId === 1, term: 2 });
}

test('a transfer is done once the new leader is known', async () => {
  let done = 0;
  const transfer = transferFromHere(parts, 2).then((id) => {
    done = id;
  });
  await settle();
  expect(done).toBe(0);
  consensus.lead({ leaderId: 0, leading: false, term: 2 });
  await settle();
  expect(done).toBe(0);
  elect(2);
  await transfer;
  expect(done).toBe(2);
});

test('without a name the active follower with the most of the log is taken', async () => {
  followers = [follower(1, 99, true), follower(2, 40, true), follower(3, 70, false)];
  const asked: number[] = [];
  consensus.transferLeadership = async (to) => {
    asked.push(to);
    elect(to);
  };
  expect(await transferFromHere(parts, 0)).toBe(2);
  expect(asked).toEqual([2]);
});

const failures: [string, string, number, () => void][] = [
  ['nobody can take over', 'CELL_E_PEER_UNREACHABLE', 0, () => followers.splice(1, 2, follower(2, 9, false))],
  ['another member wins', 'CELL_E_CONFLICT', 2, () => setImmediate(() => elect(3))],
  ['no leader comes', 'CELL_E_TIMEOUT', 2, () => setImmediate(() => void clock.advance(6_000))],
  ['this member is not the leader', 'CELL_E_NOT_LEADER', 3, () => elect(2)],
];

test.each(failures)('a transfer fails with its code when %s', async (_what, code, target, happens) => {
  happens();
  const error = await transferFromHere(parts, target).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CellError);
  expect(error).toMatchObject({ code });
});

test('without a leader there is nobody to take over from', async () => {
  elect(0);
  await expect(transferLeadership(parts, 3)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
});

test('a follower passes the order on to the leader', async () => {
  elect(2);
  expect(await transferLeadership(parts, 3)).toBe(203);
  expect(await transferLeadership(parts, 2)).toBe(2);
});
