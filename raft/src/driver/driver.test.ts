import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openLogStore } from '../storage/index.ts';
import type { LogBatch, LogStore } from './ports.ts';
import { conf, propose, TestCluster, type TestMember } from './testing/test-cluster.ts';

/** Proposals that are made in one turn. */
function proposeAll(member: TestMember, count: number, prefix = 'item'): Promise<{ index: number; result: unknown }[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => propose(member, `${prefix} ${i}`)));
}

test('proposals come out on all members in order, each with its own result', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const results = await cluster.during(proposeAll(leader, 50));
  expect(results.map(({ result }) => result)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  expect(results.map(({ index }) => index - (results[0]?.index as number))).toEqual(
    Array.from({ length: 50 }, (_, i) => i),
  );
  await cluster.until(() => [...cluster.members.values()].every(({ machine }) => machine.items.length === 50));
  for (const { machine } of cluster.members.values()) expect(machine.items).toEqual(leader.machine.items);
});

test('proposals of one turn share one write and are applied in one batch', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const appends: LogBatch[] = [];
  const append = leader.store.append.bind(leader.store);
  leader.store.append = (batch) => {
    appends.push(batch);
    return append(batch);
  };
  leader.machine.batches = [];
  await cluster.during(proposeAll(leader, 200));
  expect(appends.filter(({ entries }) => entries.length > 0).map(({ entries }) => entries.length)).toEqual([200]);
  expect(leader.machine.batches).toEqual([200]);
});

test('what is proposed while a write is under way shares the next write', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const counts: number[] = [];
  let release = (): void => undefined;
  const append = leader.store.append.bind(leader.store);
  leader.store.append = async (batch) => {
    if (batch.entries.length > 0) counts.push(batch.entries.length);
    if (counts.length === 1 && batch.entries.length > 0) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    return append(batch);
  };
  const all = [proposeAll(leader, 1)];
  await cluster.run(1);
  for (let i = 0; i < 5; i += 1) {
    all.push(proposeAll(leader, 10));
    await nextTurn();
  }
  release();
  await cluster.during(Promise.all(all));
  expect(counts).toEqual([1, 50]);
});

test('a proposal is acknowledged only once a quorum has stored it', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const releases: (() => void)[] = [];
  for (const { store } of cluster.members.values()) {
    const append = store.append.bind(store);
    store.append = async (batch) => {
      if (batch.entries.length > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        releases.push(resolve);
        await promise;
      }
      return append(batch);
    };
  }
  let acknowledged = false;
  const proposing = propose(leader, 'x').then(() => {
    acknowledged = true;
  });
  await cluster.until(() => releases.length === 3);
  releases[0]?.();
  await cluster.run(3);
  expect(acknowledged).toBe(false);
  releases[1]?.();
  await cluster.during(proposing);
  releases[2]?.();
});

test('a member that does not lead refuses proposals and names the leader', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const follower = [...cluster.members.values()].find(({ id }) => id !== leader.id) as TestMember;
  await expect(propose(follower, 'x')).rejects.toMatchObject({ code: 'not-leader', leader: leader.id });
});

test('an empty proposal is refused: it could not be told from what a new leader appends', async () => {
  const cluster = await TestCluster.of(1);
  const leader = await cluster.leader();
  await expect(leader.driver.propose(new Uint8Array(0))).rejects.toThrow(RangeError);
});

test('a proposal of a leader that was cut off is known to be lost once another one has taken its place', async () => {
  const cluster = await TestCluster.of(3);
  const old = await cluster.leader();
  cluster.network.isolate(old.id);
  const lost = propose(old, 'lost');
  lost.catch(() => undefined);
  const others = [1, 2, 3].filter((id) => id !== old.id);
  const next = await cluster.leader(others);
  await cluster.during(propose(next, 'kept'));
  cluster.network.heal();
  await expect(cluster.during(lost)).rejects.toMatchObject({ code: 'not-leader' });
  await cluster.until(() => old.machine.items.length === 1);
  expect(old.machine.items).toEqual(['kept']);
});

test('a proposal of a leader that lost its office resolves if the next leader commits it', async () => {
  const cluster = await TestCluster.of(3);
  const old = await cluster.leader();
  const followers = [1, 2, 3].filter((id) => id !== old.id);
  // The followers store the entry, but their answers don't come back.
  const answers = followers.map((id) => cluster.member(id));
  const proposing = propose(old, 'survivor');
  await nextTurn();
  await nextTurn();
  for (const { id } of answers) cluster.network.cut(old.id, id);
  await cluster.leader(followers);
  cluster.network.heal();
  expect(await cluster.during(proposing)).toMatchObject({ result: 1 });
});

test('proposals of a leader that stays cut off end with an unknown outcome', async () => {
  const cluster = await TestCluster.of(3);
  const old = await cluster.leader();
  cluster.network.isolate(old.id);
  await expect(cluster.during(propose(old, 'lost'))).rejects.toMatchObject({ code: 'outcome-unknown' });
});

test('too many proposals, and too many bytes of them, are refused as overload', async () => {
  const cluster = await TestCluster.of(3, { pendingProposalsMax: 10, uncommittedSizeMax: 1000 });
  const leader = await cluster.leader();
  const results = await cluster.during(Promise.allSettled(Array.from({ length: 12 }, () => propose(leader, 'x'))));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(2);
  cluster.network.isolate(leader.id);
  const first = propose(leader, 'x'.repeat(900));
  first.catch(() => undefined);
  await cluster.run(1);
  await expect(cluster.during(propose(leader, 'y'.repeat(900)))).rejects.toMatchObject({ code: 'overloaded' });
});

test('a read barrier on any member waits for everything acknowledged before it', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  for (let round = 0; round < 5; round += 1) {
    const { index } = await cluster.during(propose(leader, `item ${round}`));
    for (const { driver, machine } of cluster.members.values()) {
      const seen = driver.readBarrier(5000).then((at) => ({ at, count: machine.items.length }));
      const { at, count } = await cluster.during(seen);
      expect(at).toBeGreaterThanOrEqual(index);
      expect(count).toBeGreaterThan(round);
    }
  }
});

test('a read barrier asked while there is no leader is answered once there is one, with what was acknowledged', async () => {
  const cluster = await TestCluster.of(3);
  const old = await cluster.leader();
  await cluster.during(proposeAll(old, 5));
  await cluster.stop(old.id);
  const reading = [...cluster.members.values()].map(async ({ driver, machine }) => {
    await driver.readBarrier(60_000);
    return machine.items.length;
  });
  expect(await cluster.during(Promise.all(reading))).toEqual([5, 5]);
});

test('a leader that was cut off answers no read barrier', async () => {
  const cluster = await TestCluster.of(3);
  const old = await cluster.leader();
  cluster.network.isolate(old.id);
  await expect(cluster.during(old.driver.readBarrier(2000))).rejects.toMatchObject({ code: 'timeout' });
});

test('readers of one turn share one request', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  await cluster.during(propose(leader, 'x'));
  const before = leader.driver.status().lastIndex;
  const readers = Array.from({ length: 1000 }, () => leader.driver.readBarrier(5000));
  expect(new Set(await cluster.during(Promise.all(readers)))).toEqual(new Set([before]));
});

test('waitApplied() resolves once the entry is applied here, and rejects in time', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const follower = [...cluster.members.values()].find(({ id }) => id !== leader.id) as TestMember;
  const { index } = await cluster.during(propose(leader, 'x'));
  await cluster.during(follower.driver.waitApplied(index, 5000));
  expect(follower.machine.items).toEqual(['x']);
  await expect(cluster.during(follower.driver.waitApplied(index + 5, 200))).rejects.toMatchObject({ code: 'timeout' });
});

test('a member that lags behind the compacted log catches up by a snapshot, and goes on from there', async () => {
  const cluster = await TestCluster.of(3, { snapshotEveryEntries: 50 });
  const leader = await cluster.leader();
  const behind = (leader.id % 3) + 1;
  await cluster.stop(behind);
  for (let i = 0; i < 4; i += 1) await cluster.during(proposeAll(leader, 60, `round ${i}`));
  await cluster.until(() => leader.driver.status().firstIndex > 100);
  const { machine, driver } = await cluster.start(behind);
  await cluster.until(() => machine.items.length === 240);
  expect(machine.restoredAt).toBeGreaterThan(100);
  await cluster.during(propose(leader, 'last'));
  await cluster.until(() => machine.items.length === 241);
  expect(machine.items).toEqual(leader.machine.items);
  expect(driver.status().snapshotIndex).toBeGreaterThan(100);
});

test('a snapshot that breaks off is sent again', async () => {
  const cluster = await TestCluster.of(3, { snapshotEveryEntries: 50 });
  const leader = await cluster.leader();
  const behind = (leader.id % 3) + 1;
  await cluster.stop(behind);
  for (let i = 0; i < 4; i += 1) await cluster.during(proposeAll(leader, 60, `round ${i}`));
  await cluster.until(() => leader.driver.status().firstIndex > 100);
  cluster.network.snapshotChunksMax = 0;
  const { machine } = await cluster.start(behind);
  await cluster.run(30);
  expect(machine.items).toEqual([]);
  cluster.network.snapshotChunksMax = Number.MAX_SAFE_INTEGER;
  await cluster.until(() => machine.items.length === 240);
});

test('a snapshot that breaks off again and again arrives all the same, as each attempt goes on where one stopped', async () => {
  const cluster = await TestCluster.of(3, { snapshotEveryEntries: 50 });
  const leader = await cluster.leader();
  const behind = (leader.id % 3) + 1;
  await cluster.stop(behind);
  for (let i = 0; i < 4; i += 1) await cluster.during(proposeAll(leader, 60, `round ${i}`));
  await cluster.until(() => leader.driver.status().firstIndex > 100);
  cluster.network.snapshotChunksMax = 1;
  const { machine, failures } = await cluster.start(behind);
  await cluster.until(() => machine.items.length === 240);
  expect(failures).toEqual([]);
});

test('after a restart the state machine is built from the snapshot and the log behind it', async () => {
  const cluster = await TestCluster.of(3, { snapshotEveryEntries: 40 });
  const leader = await cluster.leader();
  for (let i = 0; i < 3; i += 1) await cluster.during(proposeAll(leader, 30, `round ${i}`));
  const items = [...leader.machine.items];
  await cluster.stopAll();
  for (const id of [1, 2, 3]) await cluster.start(id);
  expect(cluster.member(leader.id).machine.restoredAt).toBeGreaterThan(30);
  await cluster.until(() => [...cluster.members.values()].every(({ machine }) => machine.items.length === 90));
  for (const { machine } of cluster.members.values()) expect(machine.items).toEqual(items);
});

test('a failure of the store stops the member, says so once, and rejects everything', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  leader.store.append = () => Promise.reject(new Error('Disk is broken'));
  const waiting = [propose(leader, 'x'), leader.driver.readBarrier(60_000), leader.driver.waitApplied(999, 60_000)];
  const results = await cluster.during(Promise.allSettled(waiting));
  expect(results.map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(leader.failures.map(({ message }) => message)).toEqual(['Disk is broken']);
  await expect(propose(leader, 'y')).rejects.toMatchObject({ code: 'stopped' });
  const next = await cluster.leader([1, 2, 3].filter((id) => id !== leader.id));
  await cluster.during(propose(next, 'z'));
  expect(leader.failures).toHaveLength(1);
});

test('a state machine that throws stops the member', async () => {
  const cluster = await TestCluster.of(1);
  const leader = await cluster.leader();
  leader.machine.poison = 'bad';
  await expect(cluster.during(propose(leader, 'bad'))).rejects.toMatchObject({ code: 'outcome-unknown' });
  expect(leader.failures).toHaveLength(1);
});

test('stop() rejects what waits and writes nothing more', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const proposing = propose(leader, 'x');
  await cluster.stop(leader.id);
  await expect(proposing).rejects.toMatchObject({ code: 'stopped' });
  await expect(leader.driver.readBarrier(10)).rejects.toMatchObject({ code: 'stopped' });
});

test('a cluster on files comes back after all members stopped, with everything acknowledged', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'cell-driver-'));
  const cluster = new TestCluster({ snapshotEveryEntries: 100, keepEntries: 20 });
  const stores: LogStore[] = [];
  const open = async (id: number): Promise<LogStore> => {
    const store = await openLogStore({
      directory: path.join(directory, String(id)),
      identity: { clusterId: 'files', nodeId: id },
      bootstrap: conf(1, 2, 3),
      segmentBytes: 64 * 1024,
    });
    stores.push(store);
    return cluster.holdTimeFor(store);
  };
  try {
    for (const id of [1, 2, 3]) await cluster.start(id, await open(id));
    const leader = await cluster.leader();
    for (let i = 0; i < 5; i += 1) await cluster.during(proposeAll(leader, 50, `round ${i} ${'x'.repeat(300)}`));
    const items = [...leader.machine.items];
    await cluster.stopAll();
    for (const store of stores.splice(0)) await store.close();
    for (const id of [1, 2, 3]) await cluster.start(id, await open(id));
    await cluster.until(() => [...cluster.members.values()].every(({ machine }) => machine.items.length === 250));
    for (const { machine } of cluster.members.values()) expect(machine.items).toEqual(items);
  } finally {
    await cluster.stopAll();
    for (const store of stores) await store.close();
    await rm(directory, { recursive: true });
  }
});
