/** Known hazards and published defects around reads: see HAZARDS.md. */
import { expect, test } from 'vitest';
import { TestCluster } from '../testing/cluster.ts';

const PLAIN = { preVote: false, checkQuorum: false };
const QUESTION = new Uint8Array([7, 7]);

test('hazard 1: a removed leader does not answer reads by itself when one voter remains', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { ...PLAIN, stepDownOnRemoval: false } });
  cluster.elect(1);
  cluster.change(1, { type: 'remove', node: 1 });
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  cluster.isolate(2);
  cluster.node(1).readIndex(QUESTION);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([]);
});

test('hazard 1: nor does one that was made a learner', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { ...PLAIN, stepDownOnRemoval: false } });
  cluster.elect(1);
  cluster.change(1, { type: 'add-learner', node: 1 });
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  cluster.isolate(2);
  cluster.node(1).readIndex(QUESTION);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([]);
});

test('hazard 1: by default a leader that is removed leads no more, and asks nobody to believe it', () => {
  const cluster = new TestCluster({ voters: [1, 2] });
  cluster.elect(1);
  cluster.change(1, { type: 'remove', node: 1 });
  cluster.settle();
  expect(cluster.leaders()).toEqual([]);
  cluster.node(1).readIndex(QUESTION);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([]);
});

test('etcd 7331: a fresh leader holds reads back until it has committed an entry of its own term', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  // Committed by the first leader, but the second one does not know.
  cluster.propose(1, 'a');
  cluster.storeAndSend(1);
  cluster.deliver(({ to }) => to === 2);
  cluster.storeAndSend(2);
  cluster.deliver();
  cluster.storeAll(1);
  expect(cluster.texts(1)).toEqual(['a']);
  cluster.messages = [];
  cluster.isolate(1);
  cluster.node(2).campaign();
  cluster.exchangeUntil(() => cluster.leaders().includes(2), 2, 3);
  cluster.node(2).readIndex(QUESTION);
  cluster.tick(2);
  cluster.storeAndSend(2);
  // The heartbeats come through, the new term's first entry does not: still no answer.
  cluster.messages = cluster.messages.filter(({ type }) => type === 'heartbeat');
  cluster.deliver();
  cluster.storeAndSend(3);
  cluster.deliver();
  expect(cluster.node(2).ready().readStates).toEqual([]);
  cluster.node(2).advance();
  cluster.tick(2, 2);
  cluster.settle();
  const [read] = cluster.member(2).reads;
  const answered = cluster.member(2).applied.find(({ data }) => data.length === 1)?.index ?? 0;
  expect(read?.index).toBeGreaterThanOrEqual(answered);
});

test('etcd 7331: a lone voter whose stored commit index lags holds reads back as well', () => {
  const cluster = new TestCluster({ voters: [1] });
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.storeAndSend(1);
  const { term } = cluster.node(1).basicStatus();
  // The entry is committed and was answered, but the commit index did not get to the disk.
  cluster.settle();
  cluster.member(1).log.setHardState({ term, vote: 1, commit: 1 });
  cluster.restart(1);
  cluster.node(1).campaign();
  for (let i = 0; i < 10 && cluster.leaders().length === 0; i++) cluster.storeAndSend(1);
  expect(cluster.leaders()).toEqual([1]);
  cluster.node(1).readIndex(QUESTION);
  const { readStates } = cluster.storeAndSend(1);
  expect(readStates).toEqual([]);
  cluster.settle();
  expect(cluster.member(1).reads).toHaveLength(1);
  expect(cluster.member(1).reads[0]?.index).toBe(cluster.node(1).basicStatus().lastIndex);
});

test('etcd 7331: a read whose heartbeat was lost is confirmed by the next one', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(1).readIndex(QUESTION);
  cluster.storeAndSend(1);
  cluster.messages = [];
  cluster.tick(1);
  cluster.settle();
  expect(cluster.member(1).reads).toHaveLength(1);
});
