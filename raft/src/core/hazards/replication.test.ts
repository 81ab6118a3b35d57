/** Known hazards and published defects around replication, snapshots and restarts: see HAZARDS.md. */
import { expect, test } from 'vitest';
import { defaultConfig } from '../default-config.ts';
import { MemoryLog } from '../log/memory-log.ts';
import type { ProgressView } from '../progress/progress.ts';
import { RawNode } from '../raw-node.ts';
import { START_INDEX, TestCluster } from '../testing/cluster.ts';
import type { Message } from '../types.ts';

const PLAIN = { preVote: false, checkQuorum: false };

/** A cluster whose member 3 missed entries that are compacted now. */
function laggingCluster(): TestCluster {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a', 'b', 'c');
  cluster.settle();
  cluster.compact(1);
  cluster.heal();
  return cluster;
}

function progress(cluster: TestCluster, id: number): ProgressView | undefined {
  return cluster.node(1).status().progress.get(id);
}

test('hazard 3: nothing that was applied is applied again, although the stored commit index is behind', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  const { log, conf } = cluster.member(2);
  const { applied, term } = cluster.node(2).basicStatus();
  // The commit index was never synced, and a crash took it back.
  log.setHardState({ term, vote: 1, commit: START_INDEX });
  const node = new RawNode({ ...defaultConfig, random: () => 0, id: 2, log, applied });
  expect(node.basicStatus()).toMatchObject({ commit: applied, applied, conf: { voters: conf.voters } });
  expect(node.hasReady() ? node.ready().committedEntries : []).toEqual([]);
});

test('hazard 3: the snapshot counts as committed, whatever commit index is stored', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  cluster.compact(2);
  const { log } = cluster.member(2);
  const { term, applied } = cluster.node(2).basicStatus();
  log.setHardState({ term, vote: 1, commit: START_INDEX });
  const node = new RawNode({ ...defaultConfig, random: () => 0, id: 2, log, applied: 0 });
  expect(node.basicStatus()).toMatchObject({ commit: applied, applied });
});

test('hazard 5 (etcd 10225): no second snapshot goes out while one is on its way; after a failure report one does', () => {
  const cluster = laggingCluster();
  const count = { sent: 0 };
  const exchange = (): void => {
    cluster.tick(1);
    for (let i = 0; i < 6; i++) {
      cluster.storeAll(1, 2, 3);
      count.sent += cluster.messages.filter(({ type }) => type === 'snapshot').length;
      cluster.messages = cluster.messages.filter(({ type }) => type !== 'snapshot');
      cluster.deliver();
    }
  };
  exchange();
  exchange();
  expect(count.sent).toBe(1);
  expect(progress(cluster, 3)).toMatchObject({ state: 'snapshot' });
  cluster.node(1).reportSnapshot(3, false);
  expect(progress(cluster, 3)).toMatchObject({ state: 'probe', match: 2, next: 3 });
  exchange();
  expect(count.sent).toBe(2);
});

test('etcd 10225: a follower that got its snapshot leaves the snapshot state by its own word, whatever became of the report', () => {
  const cluster = laggingCluster();
  cluster.tick(1);
  cluster.settle();
  // No report was made: the acknowledgement alone has to be enough.
  expect(progress(cluster, 3)).toMatchObject({ state: 'replicate', pendingSnapshot: 0 });
  cluster.propose(1, 'd');
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['d']);
});

test('etcd 10308: a snapshot of the last entry ends in replication at once, without another entry', () => {
  const cluster = laggingCluster();
  cluster.tick(1);
  cluster.settle();
  const { lastIndex } = cluster.node(1).basicStatus();
  expect(progress(cluster, 3)).toMatchObject({
    state: 'replicate',
    match: lastIndex,
    next: lastIndex + 1,
    paused: false,
  });
});

test('etcd 10308: a follower that has everything ends probing by a heartbeat, without another entry', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(1).reportUnreachable(2);
  expect(progress(cluster, 2)).toMatchObject({ state: 'probe' });
  cluster.tick(1);
  cluster.settle();
  expect(progress(cluster, 2)).toMatchObject({ state: 'replicate', paused: false });
});

test('etcd 14633: the window holds messages back, and reopens although all that filled it were lost', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { inflightMessagesMax: 2 } });
  cluster.elect(1);
  cluster.isolate(3);
  for (const text of ['a', 'b', 'c', 'd']) cluster.propose(1, text);
  cluster.settle();
  expect(cluster.node(1).status().progress.get(3)).toMatchObject({ inflight: 2, inflightFull: true, paused: true });
  expect(cluster.texts(2)).toEqual(['a', 'b', 'c', 'd']);
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['a', 'b', 'c', 'd']);
});

test('etcd 10166: a member whose log ends before what it acknowledged says so, and commits nothing', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  // Its disk has lost the end of the log, and the commit index with it.
  const { log } = cluster.member(2);
  const kept = new MemoryLog();
  kept.applySnapshot(log.snapshot());
  kept.append(log.entries(START_INDEX + 1, START_INDEX + 2, Number.POSITIVE_INFINITY));
  kept.setHardState({ term: cluster.term(2), vote: 1, commit: START_INDEX });
  const node = new RawNode({ ...defaultConfig, random: () => 0, id: 2, log: kept, applied: START_INDEX });
  cluster.tick(1);
  const heartbeat = cluster.storeAndSend(1).messages.find(({ type, to }) => type === 'heartbeat' && to === 2);
  expect(heartbeat?.commit).toBe(log.lastIndex());
  expect(() => node.step(heartbeat as Message)).toThrow(expect.objectContaining({ code: 'log-lost' }));
  expect(node.basicStatus().commit).toBe(START_INDEX);
});
