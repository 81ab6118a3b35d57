import { expect, test } from 'vitest';
import { TestCluster } from './testing/cluster.ts';

test('leadership goes to the target at once if its log is complete, in spite of leases and pre-vote', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(1).transferLeader(2);
  cluster.settle();
  expect(cluster.leaders()).toEqual([2]);
  expect(cluster.term(2)).toBe(2);
});

test('a target that lags is caught up first', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  cluster.node(1).transferLeader(3);
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.leaders()).toEqual([3]);
  expect(cluster.texts(3)).toEqual(['a', 'b']);
});

test('a follower passes the request on to its leader', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(2).transferLeader(3);
  cluster.settle();
  expect(cluster.leaders()).toEqual([3]);
});

test('proposals are dropped during a transfer, and taken again after an election timeout', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: 8 } });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.node(1).transferLeader(3);
  expect(() => cluster.propose(1, 'a')).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
  for (let i = 0; i < 8; i++) {
    cluster.tick(1);
    cluster.settle();
  }
  expect(cluster.node(1).basicStatus().transferee).toBe(0);
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['a']);
});

test.each([
  { why: 'a learner', to: 4 },
  { why: 'a stranger', to: 9 },
  { why: 'the leader itself', to: 1 },
])('leadership is not handed to $why', ({ to }) => {
  const cluster = new TestCluster({ voters: [1, 2, 3], learners: [4] });
  cluster.elect(1);
  cluster.node(1).transferLeader(to);
  expect(cluster.node(1).basicStatus().transferee).toBe(0);
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
});

test('a second target takes the place of the first', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(2);
  cluster.node(1).transferLeader(2);
  cluster.node(1).transferLeader(3);
  cluster.settle();
  expect(cluster.leaders()).toEqual([3]);
});

test('removing the target ends the transfer', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.change(1, { type: 'remove', node: 3 });
  cluster.node(1).transferLeader(3);
  cluster.settle();
  expect(cluster.node(1).basicStatus().transferee).toBe(0);
});
