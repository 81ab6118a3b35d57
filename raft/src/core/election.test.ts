import { expect, test } from 'vitest';
import { START_INDEX, TestCluster, testEntry, testMessage } from './testing/cluster.ts';

const PLAIN = { preVote: false, checkQuorum: false };

test('a member with the votes of a majority leads, and one without does not', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: PLAIN });
  cluster.isolate(3, 4, 5);
  cluster.node(1).campaign();
  cluster.settle();
  expect(cluster.leaders()).toEqual([]);
  cluster.heal();
  cluster.isolate(4, 5);
  cluster.elect(1);
  expect(cluster.leaders()).toEqual([1]);
  expect(cluster.node(3).basicStatus().leader).toBe(1);
});

test('nobody gets the vote of a member whose log is more complete', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a');
  cluster.settle();
  cluster.heal();
  cluster.isolate(1);
  cluster.node(3).campaign();
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  cluster.elect(2);
  cluster.settle();
  expect(cluster.texts(3)).toEqual(['a']);
});

test.each([
  { why: 'a later last term beats a longer log', logTerm: 2, index: START_INDEX + 1, granted: true },
  { why: 'the same term and length is enough', logTerm: 1, index: START_INDEX + 2, granted: true },
  { why: 'the same term and a shorter log is not', logTerm: 1, index: START_INDEX + 1, granted: false },
  { why: 'an earlier last term is not, however long', logTerm: 0, index: 100, granted: false },
])('a vote goes to a log that is up to date: $why', ({ logTerm, index, granted }) => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  const { log } = cluster.member(1);
  log.append([testEntry(1, START_INDEX + 1), testEntry(1, START_INDEX + 2)]);
  cluster.restart(1);
  cluster.node(1).step(testMessage({ type: 'vote', from: 2, to: 1, term: 3, logTerm, index }));
  const answer = cluster
    .node(1)
    .ready()
    .messages.find(({ type }) => type === 'vote-response');
  expect(answer?.reject).toBe(!granted);
});

test('a vote is stored before it is sent, and holds over a restart', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  const request = { type: 'vote', to: 1, term: 2, logTerm: 1, index: START_INDEX } as const;
  cluster.node(1).step(testMessage({ ...request, from: 2 }));
  const ready = cluster.storeAndSend(1);
  expect(ready.hardState).toMatchObject({ term: 2, vote: 2 });
  expect(ready.mustSync).toBe(true);
  cluster.restart(1);
  cluster.node(1).step(testMessage({ ...request, from: 3 }));
  expect(cluster.storeAndSend(1).messages).toMatchObject([{ type: 'vote-response', to: 3, reject: true }]);
  // The same candidate may ask again: the answer may have been lost.
  cluster.node(1).step(testMessage({ ...request, from: 2 }));
  expect(cluster.storeAndSend(1).messages).toMatchObject([{ type: 'vote-response', to: 2, reject: false }]);
});

test('a vote has to be synced also if the term was stored before', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  const request = { type: 'vote', to: 1, term: 2, logTerm: 1 } as const;
  cluster.node(1).step(testMessage({ ...request, from: 2, index: 0 }));
  expect(cluster.storeAndSend(1).hardState).toMatchObject({ term: 2, vote: 0 });
  cluster.node(1).step(testMessage({ ...request, from: 3, index: START_INDEX }));
  expect(cluster.storeAndSend(1)).toMatchObject({ hardState: { term: 2, vote: 3 }, mustSync: true });
});

test('a later term has to be synced also without a vote', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  cluster.node(1).step(testMessage({ type: 'heartbeat', from: 2, to: 1, term: 5 }));
  expect(cluster.storeAndSend(1)).toMatchObject({ hardState: { term: 5, vote: 0 }, mustSync: true });
});

test.each(['append', 'heartbeat'] as const)('a candidate follows whoever was elected in its term, by %s', (type) => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.node(1).campaign();
  cluster.storeAndSend(1);
  cluster.node(1).step(testMessage({ type, from: 2, to: 1, term: 1, logTerm: 1, index: START_INDEX }));
  expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'follower', leader: 2, term: 1, vote: 1 });
});

test('with asynchronous storage a vote waits for the write that it depends on', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { ...PLAIN, asyncStorageWrites: true } });
  cluster.node(1).step(testMessage({ type: 'vote', from: 2, to: 1, term: 2, logTerm: 1, index: START_INDEX }));
  const { messages } = cluster.node(1).ready();
  expect(messages.map(({ type }) => type)).toEqual(['storage-append']);
  expect(messages[0]).toMatchObject({ term: 2, vote: 2, responses: [{ type: 'vote-response', to: 2 }] });
});

test("a candidate's own vote counts only once it is stored", () => {
  const cluster = new TestCluster({ voters: [1], config: PLAIN });
  cluster.node(1).campaign();
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
  cluster.node(1).ready();
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
  cluster.node(1).advance();
  expect(cluster.node(1).basicStatus().role).toBe('leader');
});

test('a repeated vote of one member does not count twice', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: PLAIN });
  cluster.node(1).campaign();
  cluster.storeAndSend(1);
  const vote = testMessage({ type: 'vote-response', from: 2, to: 1, term: cluster.term(1) });
  cluster.node(1).step(vote);
  cluster.node(1).step(vote);
  expect(cluster.leaders()).toEqual([]);
});

test('an answer to a pre-vote is not taken for a vote', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, preVote: true } });
  cluster.node(1).campaign();
  cluster.storeAndSend(1);
  const answer = { type: 'pre-vote-response', to: 1, term: cluster.term(1) + 1 } as const;
  cluster.node(1).step(testMessage({ ...answer, from: 2 }));
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
  cluster.node(1).step(testMessage({ ...answer, from: 3 }));
  cluster.storeAndSend(1);
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
});

test('pre-vote keeps a member that was cut off from disturbing the cluster when it returns', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.tick(3, 100);
  cluster.settle();
  cluster.heal();
  expect(cluster.term(3)).toBe(cluster.term(1));
  cluster.settle();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.leaders()).toEqual([1]);
  expect(cluster.node(3).basicStatus()).toMatchObject({ role: 'follower', leader: 1 });
});

test('a member in a later term gets back in, although all others have a leader', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { preVote: false } });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.tick(3, 100);
  cluster.settle();
  cluster.heal();
  // Its requests are ignored, but its answer to the leader's heartbeat makes the leader give way.
  cluster.tick(1);
  cluster.settle();
  expect(cluster.term(1)).toBe(cluster.term(3));
  cluster.tick(2, 20);
  cluster.settle();
  cluster.tick(1, 20);
  cluster.settle();
  expect(cluster.leaders()).toHaveLength(1);
});

test('members that hear from a leader ignore a candidate; once its lease is over they vote', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { preVote: false, electionTicks: 8 } });
  cluster.elect(1);
  cluster.isolate(1);
  cluster.node(2).campaign();
  cluster.settle();
  expect(cluster.node(3).basicStatus()).toMatchObject({ leader: 1, term: 1 });
  cluster.tick(3, 7);
  expect(cluster.node(3).basicStatus().leader).toBe(1);
  cluster.node(3).forgetLeader();
  cluster.node(2).campaign();
  cluster.settle();
  expect(cluster.node(3).basicStatus().leader).toBe(2);
});

test('a leader that hears from no quorum for an election timeout steps down', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: 8 } });
  cluster.elect(1);
  cluster.isolate(1);
  cluster.tick(1, 8);
  expect(cluster.leaders()).toEqual([1]);
  cluster.tick(1, 8);
  expect(cluster.leaders()).toEqual([]);
});

test('a leader that hears from a quorum leads on', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { electionTicks: 8 } });
  cluster.elect(1);
  cluster.isolate(3);
  for (let i = 0; i < 50; i++) {
    cluster.tick(1);
    cluster.settle();
  }
  expect(cluster.leaders()).toEqual([1]);
});

test('the election timeout is drawn anew for every term, from [t, 2t-1]', () => {
  const drawn: number[] = [];
  const random = (below: number): number => {
    drawn.push(below);
    return below - 1;
  };
  const cluster = new TestCluster({ voters: [1, 2], config: { ...PLAIN, electionTicks: 5, random } });
  cluster.tick(1, 8);
  expect(cluster.node(1).basicStatus().role).toBe('follower');
  cluster.tick(1);
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
  expect(drawn).toEqual([5, 5, 5]);
});

test('a message of an earlier term changes nothing', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.elect(2);
  const before = cluster.node(3).basicStatus();
  const entries = [testEntry(1, 2, 'old'), testEntry(1, 3, 'old')];
  cluster
    .node(3)
    .step(testMessage({ type: 'append', from: 1, to: 3, term: 1, logTerm: 1, index: 1, entries, commit: 3 }));
  cluster.settle();
  expect(cluster.node(3).basicStatus()).toEqual(before);
});

test('local messages and strangers are refused at the door', () => {
  const cluster = new TestCluster({ voters: [1, 2] });
  const node = cluster.node(1);
  expect(() => node.step(testMessage({ type: 'hup', from: 2, to: 1 }))).toThrow(
    expect.objectContaining({ code: 'step-local-message' }),
  );
  expect(() => node.step(testMessage({ type: 'append-response', from: 9, to: 1, term: 1 }))).toThrow(
    expect.objectContaining({ code: 'step-peer-not-found' }),
  );
});

test('a candidate asks for votes when its own term, vote and log are stored, so that it leads no term twice', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, asyncStorageWrites: true } });
  cluster.node(1).campaign();
  const { messages, hardState } = cluster.node(1).ready();
  expect(hardState).toMatchObject({ term: 1, vote: 1 });
  expect(messages.map(({ type }) => type)).toEqual(['storage-append']);
  expect(messages[0]?.responses.map(({ type, to }) => `${type} ${to}`)).toEqual([
    'vote-response 1',
    'vote 2',
    'vote 3',
  ]);
});

test('a follower that forgets its leader keeps term and vote, and follows again as soon as it hears from it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  const before = cluster.node(2).basicStatus();
  cluster.node(2).forgetLeader();
  expect(cluster.node(2).basicStatus()).toEqual({ ...before, leader: 0 });
  expect(() => cluster.propose(2, 'a')).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
  cluster.tick(1);
  cluster.settle();
  expect(cluster.node(2).basicStatus().leader).toBe(1);
  // A leader has nobody to forget.
  cluster.node(1).forgetLeader();
  expect(cluster.node(1).basicStatus()).toMatchObject({ role: 'leader', leader: 1 });
});
