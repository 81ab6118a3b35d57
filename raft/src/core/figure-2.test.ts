/** Rules of the Raft paper's figure 2 that have no better place: PAPER.md says where each of the others is tested. */
import { expect, test } from 'vitest';
import { START_INDEX, TestCluster, testEntry, testMessage } from './testing/cluster.ts';
import type { Message } from './types.ts';

const PLAIN = { preVote: false, checkQuorum: false };
const ELECTION_TICKS = 8;

function appendsTo(messages: readonly Message[], id: number): readonly Message[] {
  return messages.filter(({ type, to }) => type === 'append' && to === id);
}

test('a new leader knows nothing of its followers: it tries the end of its own log, and counts nothing as stored', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.propose(1, 'a', 'b');
  cluster.settle();
  const { lastIndex } = cluster.node(2).basicStatus();
  cluster.isolate(1, 3);
  cluster.node(2).campaign();
  cluster.storeAndSend(2);
  cluster.node(2).step(testMessage({ type: 'vote-response', from: 3, to: 2, term: cluster.term(2) }));
  expect(cluster.leaders()).toContain(2);
  expect(cluster.node(2).status().progress.get(3)).toMatchObject({ match: 0, next: lastIndex + 1, state: 'probe' });
});

test('an append that comes twice, or late, takes away nothing that followed on it', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  const node = cluster.node(1);
  const append = { type: 'append', from: 2, to: 1, term: 2, index: START_INDEX, logTerm: 1 } as const;
  const entries = [testEntry(2, 2, 'a'), testEntry(2, 3, 'b'), testEntry(2, 4, 'c')];
  node.step(testMessage({ ...append, entries }));
  for (const late of [entries, entries.slice(0, 1), []]) {
    node.step(testMessage({ ...append, entries: late }));
    expect(node.basicStatus().lastIndex).toBe(4);
  }
  cluster.storeAndSend(1);
  expect(cluster.member(1).log.lastIndex()).toBe(4);
});

test('a request for votes of an earlier term gets none, and a pre-vote of one hears of the later term', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  const node = cluster.node(1);
  node.step(testMessage({ type: 'heartbeat', from: 3, to: 1, term: 5 }));
  cluster.storeAndSend(1);
  const request = { from: 2, to: 1, term: 4, index: 99, logTerm: 4 } as const;
  node.step(testMessage({ ...request, type: 'vote' }));
  node.step(testMessage({ ...request, type: 'pre-vote' }));
  expect(cluster.storeAndSend(1).messages).toMatchObject([{ type: 'pre-vote-response', term: 5, reject: true }]);
  expect(node.basicStatus()).toMatchObject({ term: 5, vote: 0 });
});

test.each(['leader', 'candidate', 'pre-candidate', 'follower'] as const)(
  'a %s that hears of a later term becomes a follower in it, without a vote',
  (role) => {
    const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, preVote: role === 'pre-candidate' } });
    if (role === 'leader') cluster.elect(1);
    else if (role !== 'follower') cluster.node(1).campaign();
    expect(cluster.node(1).basicStatus().role).toBe(role);
    cluster.node(1).step(testMessage({ type: 'heartbeat', from: 2, to: 1, term: 9 }));
    expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'follower', term: 9, vote: 0, leader: 2 });
  },
);

test('a follower that hears from its leader, or gives its vote, waits for a whole timeout again', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, electionTicks: ELECTION_TICKS } });
  const node = cluster.node(1);
  const reasons = [
    testMessage({ type: 'heartbeat', from: 2, to: 1, term: 1 }),
    testMessage({ type: 'append', from: 2, to: 1, term: 1, index: START_INDEX, logTerm: 1 }),
    // Refused, but in a later term; and then one in the same term that is granted.
    testMessage({ type: 'vote', from: 3, to: 1, term: 2, index: 0, logTerm: 0 }),
    testMessage({ type: 'vote', from: 2, to: 1, term: 2, index: START_INDEX, logTerm: 1 }),
  ];
  for (const reason of reasons) {
    cluster.tick(1, ELECTION_TICKS - 1);
    node.step(reason);
  }
  cluster.tick(1, ELECTION_TICKS - 1);
  expect(node.basicStatus().role).toBe('follower');
  cluster.tick(1);
  expect(node.basicStatus().role).toBe('candidate');
});

test('a vote that is refused puts no campaign off', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, electionTicks: ELECTION_TICKS } });
  // The request brings a later term, whose timeout begins with it; the second one brings nothing.
  cluster.node(1).step(testMessage({ type: 'vote', from: 2, to: 1, term: 2, index: 0, logTerm: 0 }));
  cluster.tick(1, ELECTION_TICKS - 1);
  cluster.node(1).step(testMessage({ type: 'vote', from: 3, to: 1, term: 2, index: 0, logTerm: 0 }));
  cluster.tick(1);
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
});

test('a candidate that nobody answers begins another election after its timeout, in the next term', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, electionTicks: ELECTION_TICKS } });
  cluster.isolate(2, 3);
  for (const term of [1, 2, 3]) {
    cluster.tick(1, ELECTION_TICKS);
    expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'candidate', term, vote: 1 });
    cluster.storeAndSend(1);
  }
});

test('a leader sends an entry of its own term at once, and heartbeats while it has nothing else to say', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.node(1).campaign();
  cluster.storeAndSend(1);
  cluster.node(1).step(testMessage({ type: 'vote-response', from: 2, to: 1, term: 1 }));
  const [first] = appendsTo(cluster.storeAndSend(1).messages, 2);
  expect(first?.entries).toMatchObject([{ term: 1, index: START_INDEX + 1, data: { length: 0 } }]);
  cluster.settle();
  for (let i = 0; i < 3; i++) {
    cluster.tick(1);
    const { messages } = cluster.storeAndSend(1);
    expect(messages.map(({ type, to }) => `${type} ${to}`)).toEqual(['heartbeat 2', 'heartbeat 3']);
    cluster.settle();
  }
});

test('a leader counts itself only once its disk has the entry, and commits without itself if enough others have it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, asyncStorageWrites: true } });
  const node = cluster.node(1);
  node.campaign();
  const stored = (): void => {
    for (const message of node.ready().messages) {
      if (message.type !== 'storage-append') continue;
      const { term, vote, commit } = message;
      if (term > 0) cluster.member(1).log.setHardState({ term, vote, commit });
      cluster.member(1).log.append(message.entries);
      for (const response of message.responses) if (response.to === 1) node.step(response);
    }
  };
  stored();
  node.step(testMessage({ type: 'vote-response', from: 2, to: 1, term: 1 }));
  stored();
  const index = node.basicStatus().lastIndex + 1;
  cluster.propose(1, 'a');
  const acknowledge = (from: number): void => {
    node.step(testMessage({ type: 'append-response', from, to: 1, term: 1, index }));
  };
  acknowledge(2);
  expect(node.basicStatus().commit).toBeLessThan(index);
  acknowledge(3);
  expect(node.basicStatus().commit).toBe(index);
});
