/** Known hazards and published defects around changes of membership: see HAZARDS.md. */
import { expect, test } from 'vitest';
import { NO_BYTES } from '../message.ts';
import { TestCluster, testEntry, testMessage } from '../testing/cluster.ts';
import type { ConfChange } from '../types.ts';

const PLAIN = { preVote: false, checkQuorum: false };

test('hazard 2: a change that a snapshot holds already is not applied over it', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  const node = cluster.node(1);
  const conf = { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot = { meta: { index: 10, term: 2, conf }, data: NO_BYTES };
  node.step(testMessage({ type: 'snapshot', from: 2, to: 1, term: 2, snapshot }));
  const late: ConfChange = { transition: 'auto', changes: [{ type: 'add-voter', node: 9 }], context: NO_BYTES };
  expect(node.applyConfChange(late, 9).voters).toEqual([1, 2]);
  expect(node.applyConfChange(late, 11).voters).toEqual([1, 2, 9]);
});

test('hazard 4: a new member gets no snapshot that is older than the change which added it, but the next one', () => {
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

test('hazard 7: a change that removes all voters is refused when proposed', () => {
  const cluster = new TestCluster({ voters: [1] });
  cluster.elect(1);
  expect(() => cluster.change(1, { type: 'remove', node: 1 })).toThrow(
    expect.objectContaining({ code: 'conf-change-invalid' }),
  );
});

test('hazard 7: a change that removes all voters is refused also when it is forwarded', () => {
  const cluster = new TestCluster({ voters: [1], learners: [2] });
  cluster.elect(1);
  cluster.change(2, { type: 'remove', node: 1 });
  cluster.settle();
  expect(cluster.member(1).conf.voters).toEqual([1]);
  expect(cluster.member(1).applied.at(-1)).toMatchObject({ type: 'normal' });
});

test('hazard 7: a committed change that removes all voters is left out when applied', () => {
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

test('hazard 8 (etcd 12359): those who can win learn by votes of the change that makes them a quorum', () => {
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

test('hazard 8 (etcd 12359): votes commit nothing that our own log does not have with the same term', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  cluster.member(1).log.append([testEntry(3, 2), testEntry(3, 3)]);
  cluster.restart(1);
  const request = { type: 'vote', from: 2, to: 1, term: 9, logTerm: 2, index: 5 } as const;
  cluster.node(1).step(testMessage({ ...request, commit: 2, rejectHint: 2 }));
  expect(cluster.node(1).basicStatus().commit).toBe(1);
  cluster.node(1).step(testMessage({ ...request, commit: 2, rejectHint: 3 }));
  expect(cluster.node(1).basicStatus().commit).toBe(2);
});

test('Ongaro 2015: of two leaders that each change one member, only the change of one takes effect', () => {
  // The published counterexample: a change counts from when it is in the log, and four become five, or three.
  const cluster = new TestCluster({ voters: [1, 2, 3, 4], config: PLAIN });
  cluster.join(5);
  cluster.elect(1);
  cluster.change(1, { type: 'add-voter', node: 5 });
  cluster.storeAndSend(1);
  cluster.messages = [];
  cluster.isolate(1);
  cluster.elect(2);
  // With 2, 3 and 4 less the removed one, 2 and 3 would be a majority; of the members in force they are half.
  cluster.isolate(4);
  cluster.change(2, { type: 'remove', node: 1 });
  cluster.settle();
  const { commit, lastIndex } = cluster.node(2).basicStatus();
  expect(commit).toBeLessThan(lastIndex);
  // With 1, 4 and 5 the other one would have a majority of five.
  cluster.heal();
  cluster.isolate(2, 3);
  cluster.node(1).step(testMessage({ type: 'heartbeat', from: 2, to: 1, term: cluster.term(2) }));
  for (let attempt = 0; attempt < 5; attempt++) {
    cluster.node(1).campaign();
    cluster.settle();
  }
  expect(cluster.node(1).basicStatus().role).toBe('candidate');
  cluster.heal();
  cluster.node(2).step(testMessage({ type: 'heartbeat', from: 1, to: 2, term: cluster.term(1) }));
  cluster.elect(2);
  for (const id of [2, 3, 4]) expect(cluster.member(id).conf.voters).toEqual([2, 3, 4]);
});

test('Ongaro 2015: a new leader takes no change before it has applied what its predecessors left', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.change(1, { type: 'add-learner', node: 4 });
  cluster.storeAndSend(1);
  cluster.deliver();
  cluster.storeAndSend(2);
  cluster.messages = [];
  cluster.isolate(1);
  cluster.node(2).campaign();
  cluster.exchangeUntil(() => cluster.leaders().includes(2), 2, 3);
  cluster.change(2, { type: 'add-learner', node: 5 });
  cluster.settle();
  cluster.tick(2);
  cluster.settle();
  expect(cluster.member(2).conf.learners).toEqual([4]);
});

test('etcd 12133: a change of several members counts as a pending change like any other', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.change(1, { type: 'add-voter', node: 4 }, { type: 'remove', node: 3 });
  cluster.change(1, { type: 'add-learner', node: 5 });
  const { entries } = cluster.storeAndSend(1);
  expect(entries.map(({ type }) => type)).toEqual(['conf-change', 'normal']);
});

test('etcd 12133: nobody campaigns with a committed change that it has not applied, not by transfer either', () => {
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

test('etcd 10998: a learner that does not know of its promotion votes, and its vote decides', () => {
  const cluster = new TestCluster({ voters: [1, 2], learners: [3], config: PLAIN });
  cluster.elect(1);
  // 3 is promoted by 1 and 2, and does not hear of it; then 1 is gone.
  cluster.isolate(3);
  cluster.change(1, { type: 'add-voter', node: 3 });
  cluster.settle();
  expect(cluster.member(2).conf.voters).toEqual([1, 2, 3]);
  expect(cluster.member(3).conf.voters).toEqual([1, 2]);
  cluster.heal();
  cluster.isolate(1);
  cluster.elect(2);
  expect(cluster.member(3).conf.voters).toEqual([1, 2, 3]);
});
