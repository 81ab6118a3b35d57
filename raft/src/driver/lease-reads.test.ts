import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Message } from '../core/index.ts';
import { testMessage } from '../core/testing/cluster.ts';
import { MemoryLogStore } from '../storage/index.ts';
import type { DriverOptions } from './ports.ts';
import { conf, TestCluster, type TestMember } from './testing/test-cluster.ts';

/** In heartbeats: of an election timeout of 10, followers certainly keep 9, and a leader counts on half of them. */
const LEASE_ROUNDS = 4;

/** Many more than a read that needs no answer from others takes. */
const TURNS = 20;

/** Three members, whose leader has been heard by all in this very heartbeat. */
async function startCluster(options: Partial<DriverOptions> = { leaseReads: true }) {
  const cluster = await TestCluster.of(3, options);
  const leader = await cluster.leader();
  const others = [...cluster.members.keys()].filter((id) => id !== leader.id);
  await cluster.during(leader.driver.propose(Buffer.from('old')));
  await cluster.run(2);
  return { cluster, leader, others };
}

/** Whether the read is answered while no time passes: of a member that is cut off, without anybody's help. */
async function answersAtOnce({ driver }: TestMember): Promise<boolean> {
  let answered = false;
  driver.readBarrier(600_000).then(
    () => {
      answered = true;
    },
    () => undefined,
  );
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  return answered;
}

test('by default every read takes a round of heartbeats', async () => {
  const { cluster, leader } = await startCluster({});
  cluster.network.isolate(leader.id);
  expect(await answersAtOnce(leader)).toBe(false);
});

test('with reads by lease a leader that was heard just now asks nobody', async () => {
  const { cluster, leader } = await startCluster();
  cluster.network.isolate(leader.id);
  expect(await answersAtOnce(leader)).toBe(true);
});

test('a leader that is cut off answers only while certainly nobody else leads', async () => {
  const { cluster, leader, others } = await startCluster();
  cluster.network.isolate(leader.id);
  const leads = (id: number) => cluster.member(id).driver.status().role === 'leader';
  for (let round = 1; !others.some(leads); round += 1) {
    await cluster.run(1);
    expect({ round, answers: await answersAtOnce(leader) }).toEqual({ round, answers: round <= LEASE_ROUNDS });
  }
});

test('a leader whose process stood still while another was elected does not answer what was true before', async () => {
  const { cluster, leader, others } = await startCluster();
  cluster.network.isolate(leader.id);
  cluster.stalled.add(leader.id);
  const next = await cluster.leader(others);
  const { index } = await cluster.during(next.driver.propose(Buffer.from('new')));
  expect(leader.driver.status().role).toBe('leader');
  const reading = leader.driver.readBarrier(600_000);
  expect(await answersAtOnce(leader)).toBe(false);
  cluster.network.heal();
  cluster.stalled.clear();
  expect(await cluster.during(reading)).toBeGreaterThanOrEqual(index);
  expect(leader.machine.items).toEqual(['old', 'new']);
});

test('after time in which no tick fell, a leader that is not cut off asks the others and answers', async () => {
  const { cluster, leader } = await startCluster();
  cluster.nowMs += 10_000;
  const reading = leader.driver.readBarrier(600_000);
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  await expect(reading).resolves.toBeGreaterThan(0);
});

test('a leader that hands over no longer answers by lease, also if nothing comes of it', async () => {
  const { cluster, leader, others } = await startCluster();
  const target = others[0] as number;
  cluster.network.cut(leader.id, target);
  const transfer = leader.driver.transferLeadership(target, 60_000);
  await expect(cluster.during(transfer)).rejects.toMatchObject({ code: 'timeout' });
  // All that is left is the lease: it is as fresh as ever, by what the third member says.
  await cluster.run(2);
  cluster.network.isolate(leader.id);
  expect(leader.driver.status().role).toBe('leader');
  expect(await answersAtOnce(leader)).toBe(false);
});

test('a member without reads by lease keeps what it may have promised before it was started again', async () => {
  const cluster = new TestCluster();
  const votes: Message[] = [];
  cluster.network.join(1, {
    onMessages: (messages) => votes.push(...messages.filter(({ type }) => type === 'vote-response')),
    onSnapshot: () => Promise.resolve(),
    onUnreachable: () => undefined,
  });
  const { driver } = await cluster.start(2, new MemoryLogStore({ bootstrap: conf(1, 2, 3) }));
  const ask = () => driver.onMessages([testMessage({ type: 'vote', from: 1, to: 2, term: 9, index: 99, logTerm: 8 })]);
  await cluster.run(9);
  ask();
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  expect(votes).toEqual([]);
  await cluster.until(() => {
    ask();
    return votes.length > 0;
  });
  expect(votes[0]).toMatchObject({ term: 9, reject: false });
});

test('reads by lease are refused without a clock', async () => {
  const timers = { every: () => () => undefined };
  await expect(TestCluster.of(1, { leaseReads: true, timers })).rejects.toThrow('monotonicMs');
});
