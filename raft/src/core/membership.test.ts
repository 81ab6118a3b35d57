import { expect, test } from 'vitest';
import { NO_BYTES } from './message.ts';
import { TestCluster, testEntry, testMessage } from './testing/cluster.ts';
import type { ConfChange } from './types.ts';

const PLAIN = { preVote: false, checkQuorum: false };

function joint(transition: 'joint-implicit' | 'joint-explicit', ...changes: ConfChange['changes']): ConfChange {
  return { transition, changes, context: NO_BYTES };
}

test('a new member gets no snapshot that is older than the change which added it, but the next one', () => {
  const events: string[] = [];
  const trace = ({ kind }: { kind: string }): number => events.push(kind);
  const cluster = new TestCluster({ voters: [1], config: { trace } });
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  cluster.compact(1);
  cluster.join(2);
  cluster.change(1, { type: 'add-voter', node: 2 });
  cluster.settle();
  // The new member would refuse a membership that it is not in, and be waited for.
  expect(cluster.node(1).status().progress.get(2)?.state).toBe('probe');
  expect(events).toContain('snapshot-lacks-member');
  cluster.compact(1);
  cluster.tick(1);
  cluster.settle();
  expect(cluster.member(2).conf.voters).toEqual([1, 2]);
  cluster.propose(1, 'b');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['b']);
});

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
    for (const id of [1, 2, 3, 4, 5]) while (cluster.node(id).hasReady()) cluster.storeAndSend(id);
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

test('a change that removes all voters is refused when proposed', () => {
  const cluster = new TestCluster({ voters: [1] });
  cluster.elect(1);
  expect(() => cluster.change(1, { type: 'remove', node: 1 })).toThrow(
    expect.objectContaining({ code: 'conf-change-invalid' }),
  );
});

test('a change that removes all voters is refused also when it is forwarded', () => {
  const cluster = new TestCluster({ voters: [1], learners: [2] });
  cluster.elect(1);
  cluster.change(2, { type: 'remove', node: 1 });
  cluster.settle();
  expect(cluster.member(1).conf.voters).toEqual([1]);
  expect(cluster.member(1).applied.at(-1)).toMatchObject({ type: 'normal' });
});

test('a committed change that removes all voters is left out when applied', () => {
  const events: string[] = [];
  const trace = ({ kind }: { kind: string }): number => events.push(kind);
  const cluster = new TestCluster({ voters: [1], config: { disableConfChangeValidation: true, trace } });
  cluster.elect(1);
  cluster.change(1, { type: 'remove', node: 1 });
  cluster.settle();
  expect(cluster.member(1).applied.at(-1)).toMatchObject({ type: 'conf-change' });
  expect(cluster.member(1).conf.voters).toEqual([1]);
  expect(events).toContain('conf-change-skipped');
  cluster.propose(1, 'still alive');
  cluster.settle();
  expect(cluster.texts(1)).toEqual(['still alive']);
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

test('a new leader takes no change before it has applied what its predecessors left', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.change(1, { type: 'add-learner', node: 4 });
  cluster.storeAndSend(1);
  cluster.deliver();
  cluster.storeAndSend(2);
  cluster.messages = [];
  cluster.isolate(1);
  cluster.node(2).campaign();
  while (!cluster.leaders().includes(2)) {
    for (const id of [2, 3]) while (cluster.node(id).hasReady()) cluster.storeAndSend(id);
    cluster.deliver();
  }
  cluster.change(2, { type: 'add-learner', node: 5 });
  cluster.settle();
  cluster.tick(2);
  cluster.settle();
  expect(cluster.member(2).conf.learners).toEqual([4]);
});

test('nobody campaigns with a committed change that it has not applied', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  const node = cluster.node(1);
  const entries = [{ ...testEntry(2, 2), type: 'conf-change' as const }];
  node.step(testMessage({ type: 'append', from: 2, to: 1, term: 2, index: 1, logTerm: 1, entries, commit: 2 }));
  node.campaign();
  expect(node.basicStatus().role).toBe('follower');
  // Nor when the leader asks it to.
  node.step(testMessage({ type: 'timeout-now', from: 2, to: 1, term: 2 }));
  expect(node.basicStatus().role).toBe('follower');
});

test('a change that a snapshot holds already is not applied over it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  const node = cluster.node(1);
  const conf = { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot = { meta: { index: 10, term: 2, conf }, data: NO_BYTES };
  node.step(testMessage({ type: 'snapshot', from: 2, to: 1, term: 2, snapshot }));
  const late: ConfChange = { transition: 'auto', changes: [{ type: 'add-voter', node: 9 }], context: NO_BYTES };
  expect(node.applyConfChange(late, 9).voters).toEqual([1, 2]);
  expect(node.applyConfChange(late, 11).voters).toEqual([1, 2, 9]);
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

/** 1 knows that 2 is the only voter now; 2 does not, and asks 1, who may not vote for it, for its vote in vain. */
function strandedCluster(commitByVote: boolean): TestCluster {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4], config: { ...PLAIN, commitByVote } });
  cluster.elect(1);
  cluster.change(1, { type: 'remove', node: 4 });
  // All have stored the change, but only 1 knows that it is committed; then 3 and 4 are gone for good.
  cluster.storeAndSend(1);
  cluster.deliver();
  for (const id of [2, 3, 4]) cluster.storeAndSend(id);
  cluster.deliver();
  cluster.storeAndSend(1);
  cluster.messages = [];
  cluster.isolate(3, 4);
  cluster.restart(1);
  return cluster;
}

test('commit by vote: those who can win learn of the change that makes them a quorum (etcd issue 12359)', () => {
  for (const commitByVote of [false, true]) {
    const cluster = strandedCluster(commitByVote);
    // 2 would need three of four; 1 and 2 are two of three. 2's log has one more entry, so 1 can't win.
    cluster.member(2).log.append([testEntry(1, cluster.member(2).log.lastIndex() + 1)]);
    cluster.restart(2);
    for (let i = 0; i < 5 && cluster.leaders().length === 0; i++) {
      for (const id of [1, 2]) {
        cluster.node(id).campaign();
        cluster.settle();
      }
    }
    expect(cluster.leaders()).toEqual(commitByVote ? [2] : []);
  }
});

test('commit by vote takes nothing for committed that its own log does not have with the same term', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  cluster.member(1).log.append([testEntry(3, 2), testEntry(3, 3)]);
  cluster.restart(1);
  const request = { type: 'vote', from: 2, to: 1, term: 9, logTerm: 2, index: 5 } as const;
  cluster.node(1).step(testMessage({ ...request, commit: 2, rejectHint: 2 }));
  expect(cluster.node(1).basicStatus().commit).toBe(1);
  cluster.node(1).step(testMessage({ ...request, commit: 2, rejectHint: 3 }));
  expect(cluster.node(1).basicStatus().commit).toBe(2);
});
