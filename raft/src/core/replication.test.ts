import { expect, test } from 'vitest';
import { TestCluster, testEntry, testMessage } from './testing/cluster.ts';
import type { Entry, Message } from './types.ts';

const PLAIN = { preVote: false, checkQuorum: false };

test('an entry is committed once a majority has stored it, and applied everywhere in the same order', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(2, 3);
  cluster.propose(1, 'a');
  cluster.settle();
  expect(cluster.texts(1)).toEqual([]);
  cluster.heal();
  cluster.isolate(3);
  cluster.tick(1);
  cluster.settle();
  cluster.propose(1, 'b');
  cluster.settle();
  expect(cluster.texts(1)).toEqual(['a', 'b']);
  cluster.heal();
  cluster.tick(1);
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['a', 'b']);
  expect(cluster.texts(3)).toEqual(['a', 'b']);
});

test('figure 8: an entry of an earlier term on a majority is not committed, and is overwritten', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3, 4, 5], config: { ...PLAIN, messageSizeMax: 1 } });
  const seed = (id: number, term: number, ...entries: Entry[]): void => {
    cluster.member(id).log.append(entries);
    cluster.member(id).log.setHardState({ term, vote: 0, commit: 1 });
    cluster.restart(id);
  };
  seed(1, 3, testEntry(2, 2, 'two'));
  seed(2, 2, testEntry(2, 2, 'two'));
  seed(5, 3, testEntry(3, 2, 'three'));
  // (c) 1 leads in term 4 and brings 'two' to 3, but nothing of its own term.
  cluster.isolate(4, 5);
  cluster.node(1).campaign();
  for (let round = 0; round < 10; round++) {
    cluster.storeAll(1, 2, 3);
    // Whoever has 'two' does not get the leader's own entry that follows on it.
    cluster.messages = cluster.messages.filter(
      ({ to, entries }) => entries.every(({ term }) => term < 4) || cluster.member(to).log.lastIndex() < 2,
    );
    cluster.deliver();
  }
  expect(cluster.leaders()).toEqual([1]);
  expect([1, 2, 3].map((id) => cluster.member(id).log.term(2))).toEqual([2, 2, 2]);
  expect(cluster.node(1).basicStatus().commit).toBe(1);
  // (d) so 5, whose last term is later, may lead and overwrite it everywhere.
  cluster.messages = [];
  cluster.heal();
  cluster.isolate(1);
  // The others know a later term than 5 does: it has to ask twice.
  for (let attempt = 0; attempt < 3 && !cluster.leaders().includes(5); attempt++) {
    cluster.node(5).campaign();
    cluster.settle();
  }
  expect(cluster.leaders()).toContain(5);
  cluster.heal();
  cluster.tick(5);
  cluster.settle();
  for (const id of [1, 2, 3, 4, 5]) expect(cluster.texts(id)).toEqual(['three']);
});

test("an older entry is committed only along with one of the leader's own term", () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  // An entry of term 1 that is stored on 1 and 2, but that nobody knows to be committed.
  cluster.isolate(3);
  cluster.propose(1, 'old');
  cluster.storeAndSend(1);
  cluster.deliver();
  cluster.storeAndSend(2);
  cluster.messages = [];
  cluster.node(2).campaign();
  cluster.storeAndSend(2);
  cluster.deliver();
  cluster.storeAndSend(1);
  cluster.deliver();
  expect(cluster.leaders()).toContain(2);
  const { commit, lastIndex, term } = cluster.node(2).basicStatus();
  // 1 acknowledges the old entry, but not yet the new leader's first one.
  cluster.storeAndSend(2);
  cluster.node(2).step(testMessage({ type: 'append-response', from: 1, to: 2, term, index: lastIndex - 1 }));
  expect(cluster.node(2).basicStatus().commit).toBe(commit);
  cluster.node(2).step(testMessage({ type: 'append-response', from: 1, to: 2, term, index: lastIndex }));
  expect(cluster.node(2).basicStatus().commit).toBe(lastIndex);
});

test("a follower's conflicting entries give way to the leader's, its committed ones never", () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: PLAIN });
  cluster.elect(1);
  cluster.isolate(1);
  cluster.propose(1, 'lost-1', 'lost-2');
  cluster.settle();
  cluster.elect(2);
  cluster.propose(2, 'kept');
  cluster.settle();
  cluster.heal();
  cluster.tick(2);
  cluster.settle();
  for (const id of [1, 2, 3]) expect(cluster.texts(id)).toEqual(['kept']);
  expect(cluster.leaders()).toEqual([2]);
});

test('an append that does not link on is refused, with the place where the logs may meet', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  cluster.member(1).log.append([testEntry(1, 2), testEntry(2, 3), testEntry(2, 4)]);
  cluster.restart(1);
  const append = { type: 'append', from: 2, to: 1, term: 5 } as const;
  cluster.node(1).step(testMessage({ ...append, index: 4, logTerm: 4, entries: [testEntry(5, 5)] }));
  cluster.node(1).step(testMessage({ ...append, index: 9, logTerm: 1 }));
  expect(cluster.storeAndSend(1).messages).toMatchObject([
    { type: 'append-response', reject: true, index: 4, rejectHint: 4, logTerm: 2 },
    { type: 'append-response', reject: true, index: 9, rejectHint: 2, logTerm: 1 },
  ]);
});

test('a follower commits only what the message proves that it has', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: PLAIN });
  cluster.member(1).log.append([testEntry(1, 2), testEntry(1, 3), testEntry(1, 4)]);
  cluster.restart(1);
  const entries = [testEntry(1, 2)];
  cluster
    .node(1)
    .step(testMessage({ type: 'append', from: 2, to: 1, term: 2, index: 1, logTerm: 1, entries, commit: 4 }));
  expect(cluster.node(1).basicStatus().commit).toBe(2);
});

test('a heartbeat tells a follower no more than it is known to have', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'a');
  cluster.settle();
  cluster.tick(1);
  const { messages } = cluster.node(1).ready();
  const known = cluster.node(1).status().progress.get(3)?.match;
  expect(messages.find(({ to }) => to === 3)).toMatchObject({ type: 'heartbeat', commit: known });
});

test('the bytes in flight are limited as well', () => {
  const config = { messageSizeMax: 200, inflightBytesMax: 200 };
  const cluster = new TestCluster({ voters: [1, 2], config });
  cluster.elect(1);
  for (let i = 0; i < 5; i++) cluster.propose(1, 'x'.repeat(150));
  const appends = cluster
    .node(1)
    .ready()
    .messages.filter(({ entries }) => entries.length > 0);
  expect(appends).toHaveLength(2);
});

test('a message holds no more bytes than allowed, but at least one entry', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { messageSizeMax: 100 } });
  cluster.elect(1);
  cluster.isolate(2);
  cluster.propose(1, 'x'.repeat(500));
  for (let i = 0; i < 10; i++) cluster.propose(1, 'y'.repeat(20));
  cluster.settle();
  cluster.heal();
  cluster.tick(1);
  const sizes: number[] = [];
  for (let round = 0; round < 20; round++) {
    for (const { type, entries } of cluster.messages) if (type === 'append') sizes.push(entries.length);
    cluster.deliver();
    cluster.storeAll(1, 2);
  }
  expect(cluster.texts(2)).toHaveLength(11);
  expect(Math.max(...sizes)).toBe(2);
});

test('proposals are dropped while too much is uncommitted, and taken again afterwards', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { uncommittedSizeMax: 100 } });
  cluster.elect(1);
  cluster.propose(1, 'x'.repeat(90));
  expect(() => cluster.propose(1, 'x'.repeat(20))).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
  cluster.settle();
  cluster.propose(1, 'x'.repeat(20));
  cluster.settle();
  expect(cluster.texts(2)).toHaveLength(2);
});

test('propose() says where the entries stand in the log, and a follower forwards them', () => {
  const cluster = new TestCluster({ voters: [1, 2] });
  cluster.elect(1);
  const place = cluster.node(1).propose([new Uint8Array([65]), new Uint8Array([66])]);
  expect(cluster.node(2).propose([new Uint8Array([67])])).toBeUndefined();
  cluster.settle();
  const placed = cluster.member(1).applied.filter(({ index }) => index >= (place?.index ?? 0));
  expect(placed.map(({ term, data }) => [term, ...data])).toEqual([
    [place?.term, 65],
    [place?.term, 66],
    [place?.term, 67],
  ]);
});

test('without a leader, and where forwarding is off, a proposal is dropped', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { disableProposalForwarding: true } });
  expect(() => cluster.propose(2, 'a')).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
  cluster.elect(1);
  expect(() => cluster.propose(2, 'a')).toThrow(expect.objectContaining({ code: 'proposal-dropped' }));
});

test('committed entries come out within the byte limit, and no more before those are applied', () => {
  const cluster = new TestCluster({ voters: [1], config: { committedSizePerReadyMax: 100 } });
  cluster.elect(1);
  cluster.propose(1, ...Array.from({ length: 10 }, () => 'x'.repeat(20)));
  const counts: number[] = [];
  for (let i = 0; i < 20 && cluster.node(1).hasReady(); i++) {
    counts.push(cluster.storeAndSend(1).committedEntries.length);
  }
  expect(counts.reduce((sum, count) => sum + count)).toBe(10);
  expect(Math.max(...counts)).toBe(2);
});

test('with asynchronous storage nothing is applied that is not stored here', () => {
  const cluster = new TestCluster({ voters: [1, 2], config: { ...PLAIN, asyncStorageWrites: true } });
  const append = { type: 'append', from: 2, to: 1, term: 2, index: 1, logTerm: 1 } as const;
  cluster.node(1).step(testMessage({ ...append, entries: [testEntry(2, 2, 'a')], commit: 2 }));
  const first = cluster.node(1).ready();
  expect(first.committedEntries).toEqual([]);
  for (const response of first.messages.flatMap(({ responses }) => responses)) {
    if (response.to === 1) {
      cluster.member(1).log.append(first.entries);
      cluster.node(1).step(response);
    }
  }
  expect(cluster.node(1).ready().committedEntries).toMatchObject([{ index: 2 }]);
});

test('with asynchronous storage the bytes handed out to be applied are limited until they are acknowledged', () => {
  const config = { ...PLAIN, asyncStorageWrites: true, committedSizePerReadyMax: 100 };
  const cluster = new TestCluster({ voters: [1, 2], config });
  const { node, log } = cluster.member(1);
  const entries = Array.from({ length: 6 }, (_, at) => testEntry(2, 2 + at, 'x'.repeat(20)));
  node.step(testMessage({ type: 'append', from: 2, to: 1, term: 2, index: 1, logTerm: 1, entries, commit: 7 }));
  const stored = node.ready();
  log.append(stored.entries);
  for (const response of stored.messages.flatMap(({ responses }) => responses))
    if (response.to === 1) node.step(response);
  const first = node.ready();
  expect(first.committedEntries.map(({ index }) => index)).toEqual([2, 3]);
  expect(node.hasReady()).toBe(false);
  for (const response of first.messages.flatMap(({ responses }) => responses)) node.step(response);
  expect(node.ready().committedEntries.map(({ index }) => index)).toEqual([4, 5]);
});

test('a write that ends after the term changed does not make the entries of another leader stable (A, B, A)', () => {
  const cluster = new TestCluster({ voters: [1, 2, 3], config: { ...PLAIN, asyncStorageWrites: true } });
  const { node } = cluster.member(1);
  const append = { type: 'append', to: 1, index: 1, logTerm: 1 } as const;
  const write = (): Message | undefined => {
    const work = node.ready().messages.find(({ type }) => type === 'storage-append');
    return work?.responses.find(({ type }) => type === 'storage-append-response');
  };
  // The same entry of term 2 comes from leader 2, is replaced by leader 3's, and comes back.
  node.step(testMessage({ ...append, from: 2, term: 2, entries: [testEntry(2, 2, 'A')] }));
  const first = write();
  node.step(testMessage({ ...append, from: 3, term: 3, entries: [testEntry(3, 2, 'B')] }));
  write();
  node.step(testMessage({ ...append, from: 2, term: 4, entries: [testEntry(2, 2, 'A')] }));
  const third = write();
  node.step(testMessage({ ...append, from: 2, term: 4, entries: [testEntry(2, 2, 'A')], commit: 2 }));
  // The first write's word would match the entry, but storage may hold B by now.
  if (first !== undefined) node.step(first);
  expect(node.ready().committedEntries).toEqual([]);
  cluster.member(1).log.append([testEntry(2, 2, 'A')]);
  if (third !== undefined) node.step(third);
  expect(node.ready().committedEntries).toMatchObject([{ term: 2, index: 2 }]);
});
