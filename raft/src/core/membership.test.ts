import { expect, test } from 'vitest';
import { NO_BYTES } from './message.ts';
import { TestCluster, testMessage } from './testing/cluster.ts';
import type { ConfChange } from './types.ts';

const PLAIN = { preVote: false, checkQuorum: false };

function joint(transition: 'joint-implicit' | 'joint-explicit', ...changes: ConfChange['changes']): ConfChange {
  return { transition, changes, context: NO_BYTES };
}

test('a new voter counts from when it is added, whether it is there or not', () => {
  const cluster = new TestCluster({ voters: [1] });
  cluster.elect(1);
  cluster.change(1, { type: 'add-voter', node: 2 });
  cluster.settle();
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(1)).toEqual([]);
});

test('in a joint configuration both majorities decide', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  for (const id of [4, 5]) cluster.join(id);
  cluster.elect(1);
  const swap = joint(
    'joint-explicit',
    { type: 'add-voter', node: 4 },
    { type: 'add-voter', node: 5 },
    { type: 'remove', node: 2 },
    { type: 'remove', node: 3 },
  );
  cluster.node(1).proposeConfChange(swap);
  cluster.settle();
  cluster.compact(1);
  for (let i = 0; i < 3; i++) {
    cluster.tick(1);
    cluster.settle();
  }
  expect(cluster.member(1).conf).toMatchObject({ voters: [1, 4, 5], votersOutgoing: [1, 2, 3] });
  cluster.isolate(2, 3);
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(1)).toEqual([]);
  cluster.heal();
  cluster.isolate(4, 5);
  cluster.tick(1);
  cluster.settle();
  cluster.propose(1, 'b');
  cluster.settle();
  expect(cluster.texts(1)).toEqual(['a']);
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.texts(1)).toEqual(['a', 'b']);
});

test('an implicit joint configuration is left by itself', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.change(1, { type: 'add-learner', node: 2 }, { type: 'remove', node: 3 });
  cluster.settle();
  expect(cluster.member(1).conf).toEqual({
    voters: [1],
    learners: [2],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  });
});

test('a new leader leaves the joint configuration that the old one entered', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: PLAIN });
  cluster.elect(1);
  cluster.change(1, { type: 'remove', node: 4 }, { type: 'remove', node: 5 });
  // All enter it, but nobody hears of the entry by which the old leader would leave it.
  for (let round = 0; round < 20; round++) {
    cluster.storeAll(1, 2, 3, 4, 5);
    cluster.messages = cluster.messages.filter(
      ({ entries }) => !entries.some(({ type, data }) => type === 'conf-change' && data.length === 0),
    );
    cluster.deliver();
  }
  for (const id of [2, 3, 4, 5]) expect(cluster.member(id).conf.autoLeave).toBe(true);
  cluster.isolate(1);
  cluster.elect(2);
  expect(cluster.member(2).conf).toMatchObject({ voters: [1, 2, 3], votersOutgoing: [], autoLeave: false });
});

test('a leader that is removed, or made a learner, steps down when it applies that', () => {
  for (const type of ['remove', 'add-learner'] as const) {
    const cluster = new TestCluster({ voters: [1, 2, 3] });
    cluster.elect(1);
    cluster.change(1, { type, node: 1 });
    cluster.settle();
    expect(cluster.leaders()).toEqual([]);
    cluster.node(1).campaign();
    cluster.settle();
    expect(cluster.leaders()).toEqual([]);
  }
});

test('one change at a time: a second one becomes an empty entry while the first is not applied', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(2, 3);
  cluster.change(1, { type: 'add-learner', node: 4 });
  cluster.change(1, { type: 'add-learner', node: 5 });
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.member(1).conf.learners).toEqual([4]);
});

test('a learner that has not heard of its promotion votes, and its vote may decide', () => {
  const cluster = new TestCluster({ voters: [1], learners: [2], config: PLAIN });
  const request = testMessage({ type: 'vote', from: 1, to: 2, term: 2, logTerm: 1, index: 1 });
  cluster.node(2).step(request);
  expect(cluster.storeAndSend(2).messages).toMatchObject([{ type: 'vote-response', reject: false }]);
});

test('a learner gets everything and decides nothing', () => {
  const cluster = new TestCluster({ voters: [1, 2], learners: [3], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(2);
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(1)).toEqual([]);
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['a']);
  cluster.tick(3, 100);
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
});
