import { expect, test } from 'vitest';
import { MemoryLog } from './log/memory-log.ts';
import { NO_BYTES } from './message.ts';
import { TestCluster, testMessage } from './testing/cluster.ts';
import type { Snapshot } from './types.ts';
import { LogError } from './types.ts';

/** A cluster whose member 3 missed entries that are compacted now. */
function laggingCluster(): TestCluster {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { preVote: false, checkQuorum: false } });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a', 'b', 'c');
  cluster.settle();
  cluster.compact(1);
  return cluster;
}

function progress(cluster: TestCluster, id: number): { state: string; match: number } | undefined {
  return cluster.node(1).status().progress.get(id);
}

test('a follower whose entries are compacted gets a snapshot, and then entries again', () => {
  const cluster = laggingCluster();
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  const { commit } = cluster.node(1).basicStatus();
  expect(cluster.node(3).basicStatus()).toMatchObject({ commit, applied: commit });
  expect(progress(cluster, 3)).toMatchObject({ state: 'replicate', match: commit });
  cluster.propose(1, 'd');
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['d']);
});

test('a reported success probes behind the snapshot', () => {
  const cluster = laggingCluster();
  cluster.heal();
  cluster.tick(1);
  cluster.exchangeUntil(() => progress(cluster, 3)?.state === 'snapshot', 1, 2, 3);
  const { commit } = cluster.node(1).basicStatus();
  cluster.node(1).reportSnapshot(3, true);
  expect(progress(cluster, 3)).toMatchObject({ state: 'probe', next: commit + 1, paused: true });
});

test('no snapshot is sent to a member that has not been heard of', () => {
  const cluster = laggingCluster();
  cluster.elect(2);
  cluster.compact(2);
  cluster.tick(2, 3);
  const sent = cluster
    .node(2)
    .ready()
    .messages.filter(({ type, to }) => type === 'snapshot' && to === 3);
  expect(sent).toEqual([]);
});

test('a snapshot at or below what is committed is answered, not restored', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  const { commit, term, conf } = cluster.node(2).basicStatus();
  const snapshot: Snapshot = { meta: { index: commit - 1, term, conf }, data: NO_BYTES };
  cluster.node(2).step(testMessage({ type: 'snapshot', from: 1, to: 2, term, snapshot }));
  const ready = cluster.storeAndSend(2);
  expect(ready.snapshot).toBeUndefined();
  expect(ready.messages).toMatchObject([{ type: 'append-response', index: commit }]);
});

test('an old snapshot does not throw away a log that was compacted above it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  cluster.compact(2);
  const { term, conf, lastIndex } = cluster.node(2).basicStatus();
  const snapshot: Snapshot = { meta: { index: 2, term, conf }, data: NO_BYTES };
  cluster.node(2).step(testMessage({ type: 'snapshot', from: 1, to: 2, term, snapshot }));
  expect(cluster.node(2).basicStatus()).toMatchObject({ commit: lastIndex, lastIndex });
});

test('a snapshot whose last entry the log has only moves the commit index', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.storeAndSend(1);
  cluster.deliver(({ to }) => to === 2);
  cluster.storeAndSend(2);
  const { lastIndex, term, conf } = cluster.node(2).basicStatus();
  const snapshot: Snapshot = { meta: { index: lastIndex, term, conf }, data: NO_BYTES };
  cluster.node(2).step(testMessage({ type: 'snapshot', from: 1, to: 2, term, snapshot }));
  const ready = cluster.storeAndSend(2);
  expect(ready.snapshot).toBeUndefined();
  expect(ready.committedEntries.at(-1)?.index).toBe(lastIndex);
});

test('a member that waits for its snapshot to be stored does not campaign, and applies nothing before it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { asyncStorageWrites: true } });
  const node = cluster.node(3);
  const { conf } = node.basicStatus();
  const snapshot: Snapshot = { meta: { index: 10, term: 2, conf }, data: NO_BYTES };
  node.step(testMessage({ type: 'snapshot', from: 1, to: 3, term: 2, snapshot }));
  const ready = node.ready();
  expect(ready.snapshot).toBe(snapshot);
  expect(ready.committedEntries).toEqual([]);
  node.campaign();
  expect(node.basicStatus()).toMatchObject({ role: 'follower', applied: 1 });
  cluster.member(3).log.applySnapshot(snapshot);
  for (const response of ready.messages.flatMap(({ responses }) => responses))
    if (response.to === 3) node.step(response);
  expect(node.basicStatus().applied).toBe(10);
  node.campaign();
  expect(node.basicStatus().role).toBe('pre-candidate');
});

test('a snapshot that does not know its receiver is ignored', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  const conf = { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot: Snapshot = { meta: { index: 10, term: 2, conf }, data: NO_BYTES };
  cluster.node(3).step(testMessage({ type: 'snapshot', from: 1, to: 3, term: 2, snapshot }));
  expect(cluster.node(3).basicStatus().commit).toBe(1);
});

test('while no snapshot can be had the leader goes on without', () => {
  class BusyLog extends MemoryLog {
    override snapshot(): Snapshot {
      throw new LogError('snapshot-temporarily-unavailable', 'A snapshot is being made');
    }
  }
  const cluster = laggingCluster();
  cluster.heal();
  const busy = new BusyLog();
  cluster.member(1).log.snapshot = () => busy.snapshot();
  cluster.tick(1);
  cluster.settle();
  expect(progress(cluster, 3)).toMatchObject({ state: 'probe' });
  expect(cluster.leaders()).toEqual([1]);
});
