/** Known hazards and published defects around elections and transfers of leadership: see HAZARDS.md. */
import { expect, test } from 'vitest';
import { START_INDEX, TestCluster, testMessage } from '../testing/cluster.ts';
import type { Config } from '../types.ts';

const PLAIN = { preVote: false, checkQuorum: false };
const ELECTION_TICKS = 8;

/** Members take turns, each with one tick and all that is due after it. */
function passTime(cluster: TestCluster, ticks: number, ids: readonly number[]): void {
  for (let i = 0; i < ticks; i++) {
    for (const id of ids) cluster.tick(id);
    cluster.settle();
  }
}

/** Each timeout is drawn one tick longer than the last, so that members don't campaign in step for ever. */
function unevenTimeouts(): Config['random'] {
  let drawn = 0;
  return (below) => drawn++ % below;
}

test('hashicorp 605: a leader that stepped down gets the pre-vote of a follower that had it for its leader', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: ELECTION_TICKS } });
  cluster.elect(1);
  // 3 is gone, and nothing of 2 reaches 1: it steps down although 2 still hears it.
  cluster.isolate(3);
  cluster.cutLink(2, 1);
  for (let i = 0; i < 2 * ELECTION_TICKS && cluster.leaders().length > 0; i++) passTime(cluster, 1, [1]);
  expect(cluster.leaders()).toEqual([]);
  expect(cluster.node(2).basicStatus().leader).toBe(1);
  cluster.heal();
  cluster.isolate(3);
  for (let i = 0; i < 3 * ELECTION_TICKS && cluster.leaders().length === 0; i++) {
    // Only 1 ever campaigns: 2's clock counts, but its timeout is far away.
    cluster.node(2).overrideElectionTicks(100 * ELECTION_TICKS);
    passTime(cluster, 1, [1, 2]);
  }
  expect(cluster.leaders()).toEqual([1]);
});

test('hashicorp 609: pre-votes that a member grants do not put off its own campaign', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: ELECTION_TICKS } });
  const node = cluster.node(1);
  const request = { type: 'pre-vote', from: 2, to: 1, term: 1, logTerm: 1, index: START_INDEX } as const;
  for (let i = 0; i < ELECTION_TICKS - 1; i++) {
    cluster.tick(1);
    node.step(testMessage(request));
    expect(cluster.storeAndSend(1).messages).toMatchObject([{ type: 'pre-vote-response', reject: false }]);
  }
  expect(node.basicStatus().role).toBe('follower');
  cluster.tick(1);
  expect(node.basicStatus().role).toBe('pre-candidate');
});

test('hashicorp 696: a leader that lost its office during a transfer takes proposals when it leads again', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a');
  cluster.settle();
  // 3 is to be caught up first, which never ends; meanwhile 2 is elected.
  cluster.node(1).transferLeader(3);
  cluster.settle();
  expect(cluster.node(1).basicStatus().transferee).toBe(3);
  cluster.elect(2);
  expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'follower', transferee: 0 });
  cluster.elect(1);
  cluster.propose(1, 'b');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['a', 'b']);
});

test('hashicorp 696: a transfer whose target never campaigns ends after an election timeout', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: ELECTION_TICKS } });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.node(1).transferLeader(3);
  expect(() => cluster.propose(1, 'a')).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
  passTime(cluster, ELECTION_TICKS, [1]);
  expect(cluster.leaders()).toEqual([1]);
  cluster.propose(1, 'b');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['b']);
});

test('consul 7031: leadership goes to no learner, whether asked here or by a follower', () => {
  const cluster = new TestCluster({ voters: [1, 2], learners: [3] });
  cluster.elect(1);
  cluster.node(1).transferLeader(3);
  cluster.node(2).transferLeader(3);
  cluster.settle();
  expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'leader', transferee: 0 });
  // Nor does a learner campaign when it is told to.
  cluster.node(3).step(testMessage({ type: 'timeout-now', from: 1, to: 3, term: cluster.term(1) }));
  expect(cluster.node(3).basicStatus().role).toBe('follower');
});

test('dragonboat 223 (canonical 203): a transfer succeeds with pre-vote on, though a heartbeat of the old leader comes between', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.node(1).transferLeader(2);
  cluster.tick(1);
  cluster.storeAndSend(1);
  cluster.deliver(({ type }) => type === 'timeout-now');
  expect(cluster.node(2).basicStatus().role).toBe('candidate');
  // Now the heartbeat of the term before.
  cluster.deliver(({ type }) => type === 'heartbeat');
  expect(cluster.node(2).basicStatus().role).toBe('candidate');
  cluster.settle();
  expect(cluster.leaders()).toEqual([2]);
  expect(cluster.term(2)).toBe(2);
});

test.each([
  { config: {}, stays: true, why: 'stays in office, by pre-vote and check-quorum' },
  { config: PLAIN, stays: false, why: 'would be replaced without them, although a quorum hears it' },
])('Cloudflare 2020: in a partial partition the leader $why', ({ config, stays }) => {
  const cluster = new TestCluster({
    voters: [1, 2, 3],
    config: { ...config, electionTicks: ELECTION_TICKS, random: unevenTimeouts() },
  });
  cluster.elect(1);
  // 1 and 2 can't see each other; 3 sees both.
  cluster.cutLink(1, 2);
  cluster.cutLink(2, 1);
  const before = cluster.term(3);
  passTime(cluster, 20 * ELECTION_TICKS, [1, 2, 3]);
  expect(cluster.term(3) === before).toBe(stays);
  expect(cluster.node(3).basicStatus().leader === 1).toBe(stays);
  if (!stays) return;
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['a']);
});

test('Cloudflare 2020: a leader that can send and hears nothing gives way to one that can do both', () => {
  const cluster = new TestCluster({
    voters: [1, 2, 3],
    config: { electionTicks: ELECTION_TICKS, random: unevenTimeouts() },
  });
  cluster.elect(1);
  cluster.cutLink(2, 1);
  cluster.cutLink(3, 1);
  passTime(cluster, 8 * ELECTION_TICKS, [1, 2, 3]);
  expect(cluster.leaders()).not.toContain(1);
  expect(cluster.leaders()).toHaveLength(1);
});
