import { expect, test } from 'vitest';
import { TestCluster, testMessage } from './testing/cluster.ts';

const QUESTION = new Uint8Array([7, 7]);
const LEASED = { readOnlyOption: 'lease-based', electionTicks: 8 } as const;

/** A cluster whose leader 1 has been heard by all in this very tick. */
function leasedCluster(): TestCluster {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: LEASED });
  cluster.elect(1);
  cluster.tick(1);
  cluster.settle();
  return cluster;
}

function answersAtOnce(cluster: TestCluster, id: number): boolean {
  cluster.node(id).readIndex(QUESTION);
  return cluster.storeAndSend(id).readStates.length > 0;
}

test('a leader by lease answers at once, but not while and after it hands leadership over', () => {
  const cluster = leasedCluster();
  expect(answersAtOnce(cluster, 1)).toBe(true);
  cluster.isolate(2);
  cluster.node(1).transferLeader(2);
  expect(answersAtOnce(cluster, 1)).toBe(false);
});

test('a leader that was never heard in its term asks first', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: LEASED });
  cluster.elect(1);
  expect(answersAtOnce(cluster, 1)).toBe(false);
  cluster.settle();
  expect(cluster.member(1).reads).toHaveLength(1);
});

test('a leader that is cut off stops answering before another one can have been elected', () => {
  const cluster = leasedCluster();
  cluster.isolate(1);
  for (let elapsed = 1; elapsed <= 16; elapsed++) {
    for (const id of [1, 2, 3]) cluster.tick(id);
    cluster.settle();
    const elected = cluster.leaders().some((id) => id !== 1);
    if (!cluster.leaders().includes(1)) break;
    // One tick of difference between the members' clocks is allowed for.
    const mayBeElected = elected || elapsed >= LEASED.electionTicks - 1;
    expect(answersAtOnce(cluster, 1)).toBe(!mayBeElected);
  }
  expect(cluster.leaders()).not.toContain(1);
});

test('a late answer renews the lease from when its heartbeat was sent', () => {
  const cluster = leasedCluster();
  cluster.tick(1);
  cluster.storeAndSend(1);
  // Only the answers to that heartbeat come back, five ticks later.
  cluster.deliver();
  for (const id of [2, 3]) cluster.storeAndSend(id);
  cluster.tick(1, 5);
  cluster.deliver(({ type }) => type === 'heartbeat-response');
  expect(answersAtOnce(cluster, 1)).toBe(true);
  cluster.tick(1, 2);
  expect(answersAtOnce(cluster, 1)).toBe(false);
});

test('a quorum has to have heard it, one member is not enough', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: LEASED });
  cluster.elect(1);
  cluster.isolate(3, 4, 5);
  cluster.tick(1);
  cluster.settle();
  expect(answersAtOnce(cluster, 1)).toBe(false);
});

test('a member that starts again keeps the promise that it may have given before', () => {
  const cluster = leasedCluster();
  cluster.restart(2);
  cluster.restart(3);
  cluster.isolate(1);
  cluster.node(2).campaign();
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  expect(cluster.term(3)).toBe(1);
  cluster.tick(3, 8);
  cluster.node(2).campaign();
  cluster.settle();
  expect(cluster.leaders()).toContain(2);
});

test('a follower by lease does not forget its leader', () => {
  const cluster = leasedCluster();
  cluster.node(2).forgetLeader();
  expect(cluster.node(2).basicStatus().leader).toBe(1);
});

test('a late answer with a later term does not free a follower of its promise', () => {
  const cluster = leasedCluster();
  cluster.isolate(1);
  // 2 had asked 3 for its vote before it heard of the leader; by then 3 was in a later term.
  cluster.node(2).step(testMessage({ type: 'pre-vote-response', from: 3, to: 2, term: 7, reject: true }));
  expect(cluster.term(2)).toBe(1);
  cluster.node(2).step(testMessage({ type: 'vote', from: 3, to: 2, term: 8, index: 100, logTerm: 7 }));
  expect(cluster.storeAndSend(2).messages).toEqual([]);
});

test('a member that only keeps the promise does so after a start, whatever it has stored', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { keepPromise: true, electionTicks: 8 } });
  const ask = () => {
    cluster.node(3).step(testMessage({ type: 'vote', from: 2, to: 3, term: 1, index: 100, logTerm: 1 }));
    cluster.storeAll(3);
    return cluster.messages.some(({ type, reject }) => type === 'vote-response' && !reject);
  };
  cluster.tick(3, 7);
  expect(ask()).toBe(false);
  cluster.tick(3);
  // Its own election is due too: it asks whether it could win, which binds nobody.
  expect(ask()).toBe(true);
});

test('a lease ends in real time although no tick has passed, counted from when the heartbeat went out', () => {
  let nowMs = 0;
  const leaseTime = { monotonicMs: () => nowMs, leaseMs: 100 };
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...LEASED, leaseTime } });
  cluster.elect(1);
  cluster.tick(1);
  cluster.storeAll(1);
  nowMs = 60;
  cluster.settle();
  nowMs = 99;
  expect(answersAtOnce(cluster, 1)).toBe(true);
  nowMs = 100;
  expect(answersAtOnce(cluster, 1)).toBe(false);
});
