import { expect, test } from 'vitest';
import { TestCluster, testMessage } from './testing/cluster.ts';

const PLAIN = { preVote: false, checkQuorum: false };
const QUESTION = new Uint8Array([7, 7]);

test('a read is confirmed by a quorum, at the index that was committed when it was asked', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  const { commit } = cluster.node(1).basicStatus();
  cluster.node(1).readIndex(QUESTION);
  expect(cluster.node(1).ready().readStates).toEqual([]);
  cluster.node(1).advance();
  cluster.node(1).readIndex(QUESTION);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([
    { index: commit, context: QUESTION },
    { index: commit, context: QUESTION },
  ]);
});

test('a leader cut off from its quorum confirms no read', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(3, 4, 5);
  cluster.node(1).readIndex(QUESTION);
  cluster.settle();
  cluster.tick(1, 3);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([]);
});

test('an answer to an earlier heartbeat does not confirm a later read', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(1).readIndex(new Uint8Array([1]));
  cluster.storeAndSend(1);
  cluster.deliver(({ to }) => to === 2);
  cluster.messages = [];
  cluster.storeAndSend(2);
  cluster.node(1).readIndex(new Uint8Array([2]));
  cluster.deliver();
  const { readStates } = cluster.storeAndSend(1);
  expect(readStates.map(({ context }) => context[0])).toEqual([1]);
});

test('a follower asks the leader, and two that use the same context are not mixed up', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(2).readIndex(QUESTION);
  cluster.node(3).readIndex(QUESTION);
  cluster.settle();
  expect(cluster.member(2).reads).toHaveLength(1);
  expect(cluster.member(3).reads).toHaveLength(1);
  expect(cluster.member(1).reads).toHaveLength(0);
});

test('reads of an earlier term are forgotten, not answered', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.node(1).readIndex(QUESTION);
  cluster.storeAndSend(1);
  const late = testMessage({
    type: 'heartbeat-response',
    from: 2,
    to: 1,
    term: 1,
    context: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]),
  });
  cluster.messages = [];
  cluster.elect(2);
  cluster.elect(1);
  cluster.node(1).step(late);
  cluster.tick(1, 2);
  cluster.settle();
  expect(cluster.member(1).reads).toEqual([]);
});
