/** Known hazards and published defects that are met between the core and the world: see HAZARDS.md. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Entry, encodeConfChange, type HardState, type Message, type Snapshot } from '../core/index.ts';
import { MemoryLogStore } from '../storage/index.ts';
import { AppliedWaiters } from './applied-waiters.ts';
import { Applier } from './applier.ts';
import { Deadlines } from './deadlines.ts';
import { LogWriter } from './log-writer.ts';
import type { LogStore } from './ports.ts';
import { Proposals } from './proposals.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { ListMachine } from './testing/list-machine.ts';
import { conf, TestCluster, type TestMember } from './testing/test-cluster.ts';

function message(fields: Partial<Message> & Pick<Message, 'type' | 'from' | 'to' | 'term'>): Message {
  const nothing = { logTerm: 0, index: 0, entries: [], commit: 0, vote: 0, snapshot: undefined, reject: false };
  return { ...nothing, rejectHint: 0, context: new Uint8Array(0), responses: [], ...fields };
}

function entries(first: number, count: number, term = 1): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    term,
    type: 'normal',
    data: Buffer.from(`item ${first + i}`),
  }));
}

async function storeWith(count: number, hardState: HardState): Promise<MemoryLogStore> {
  const store = new MemoryLogStore({ bootstrap: conf(1, 2, 3) });
  await store.append({ entries: entries(2, count), hardState, sync: true });
  return store;
}

function proposeAll(member: TestMember, count: number): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, (_, i) => member.driver.propose(Buffer.from(`item ${i}`))));
}

test('hazard 2: an apply that was ordered before a snapshot was restored brings back no older membership', () => {
  const changes: number[] = [];
  const machine = new ListMachine();
  const applier = new Applier({
    machine,
    proposals: new Proposals(),
    waiters: new AppliedWaiters(10, new Deadlines(50)),
    applyConfChange: (_, index) => {
      changes.push(index);
      return conf(1, 2, 9);
    },
    conf: conf(1, 2),
    membershipIndex: 1,
  });
  const addNine = {
    transition: 'auto',
    changes: [{ type: 'add-voter', node: 9 }],
    context: new Uint8Array(0),
  } as const;
  applier.restored({ index: 14, term: 1, conf: conf(4, 5) });
  applier.apply([{ index: 13, term: 1, type: 'conf-change', data: encodeConfChange(addNine) }, ...entries(14, 1)]);
  expect(changes).toEqual([]);
  expect(machine.items).toEqual([]);
  expect(applier.conf.voters).toEqual([4, 5]);
});

test.each([
  { commit: 1, why: 'behind all that was applied' },
  { commit: 3, why: 'behind the snapshot' },
  { commit: 9, why: 'at the end of the log' },
])('hazard 3: a member starts with a stored commit index $why, with the membership of the snapshot', async (stored) => {
  const cluster = new TestCluster();
  const store = await storeWith(8, { term: 1, vote: 1, commit: 9 });
  const machine = new ListMachine();
  machine.items = ['item 2', 'item 3', 'item 4'];
  await store.createSnapshot({ index: 4, term: 1, conf: conf(1) }, machine.capture());
  await store.append({ entries: [], hardState: { term: 1, vote: 1, commit: stored.commit }, sync: false });
  const { driver, machine: again, failures } = await cluster.start(1, store);
  await cluster.until(() => again.items.length === 8);
  expect(again.items).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((index) => `item ${index}`));
  expect(driver.status().conf.voters).toEqual([1]);
  expect(failures).toEqual([]);
});

test('hazard 5: a snapshot whose receiver dies in the middle is reported lost, and the member catches up when it is back', async () => {
  const cluster = await TestCluster.of(3, { snapshotEveryEntries: 50 });
  const leader = await cluster.leader();
  const behind = (leader.id % 3) + 1;
  await cluster.stop(behind);
  for (let i = 0; i < 4; i += 1) await cluster.during(proposeAll(leader, 60));
  await cluster.until(() => leader.driver.status().firstIndex > 100);
  // One that takes the data in, and never says what became of it, until it is gone.
  const gone = Promise.withResolvers<never>();
  let receiving = false;
  cluster.network.join(behind, {
    onMessages: (messages) => {
      for (const { type, from, term } of messages) {
        if (type !== 'heartbeat' && type !== 'append') continue;
        const alive = { from: behind, to: from, term };
        leader.driver.onMessages([
          message({ ...alive, type: 'heartbeat-response' }),
          message({ ...alive, type: 'append-response', index: 240, reject: true, rejectHint: 1, logTerm: 1 }),
        ]);
      }
    },
    onSnapshot: () => {
      receiving = true;
      return gone.promise;
    },
    onUnreachable: () => undefined,
  });
  const stateOf = () => leader.driver.status().members.find(({ id }) => id === behind)?.state;
  await cluster.until(() => receiving);
  await cluster.run(30);
  expect(stateOf()).toBe('snapshot');
  cluster.network.leave(behind);
  gone.reject(new Error('Connection broke off'));
  await cluster.until(() => stateOf() === 'probe');
  const { machine } = await cluster.start(behind);
  await cluster.until(() => machine.items.length === 240);
});

test('hazard 5: each snapshot is reported once, as taken over or as lost', async () => {
  const store = await storeWith(8, { term: 1, vote: 1, commit: 9 });
  const snapshot = await store.createSnapshot({ index: 4, term: 1, conf: conf(1, 2) }, new ListMachine().capture());
  const reports: string[] = [];
  let fate = (): Promise<void> => Promise.resolve();
  const sender = new SnapshotSender({
    store,
    transport: { send: () => undefined, sendSnapshot: () => fate() },
    report: (peer, accepted) => reports.push(`${peer} ${accepted}`),
    onError: (error) => {
      throw error;
    },
  });
  sender.send(message({ type: 'snapshot', from: 1, to: 2, term: 1, snapshot }));
  await nextTurn();
  fate = () => Promise.reject(new Error('Connection broke off'));
  sender.send(message({ type: 'snapshot', from: 1, to: 3, term: 1, snapshot }));
  await nextTurn();
  expect(reports).toEqual(['2 true', '3 false']);
});

test('hazard 6: the acknowledgement of a snapshot waits until the snapshot is in force, also if no sync was asked for', async () => {
  const said: string[] = [];
  const store = new MemoryLogStore({ bootstrap: conf(1) });
  const stored = Promise.withResolvers<void>();
  const restored = Promise.withResolvers<void>();
  store.installSnapshot = () => stored.promise;
  const writer = new LogWriter({
    store,
    restore: () => {
      said.push('restore');
      return restored.promise;
    },
    deliver: (responses) => said.push(...responses.map(({ type }) => type)),
    onError: (error) => {
      throw error;
    },
  });
  const snapshot: Snapshot = { meta: { index: 7, term: 2, conf: conf(1) }, data: new Uint8Array(0) };
  const responses = [message({ type: 'append-response', from: 1, to: 2, term: 2, index: 7 })];
  writer.submit({ entries: [], hardState: undefined, snapshot, sync: false, responses });
  await nextTurn();
  expect(said).toEqual([]);
  stored.resolve();
  await nextTurn();
  expect(said).toEqual(['restore']);
  restored.resolve();
  await nextTurn();
  expect(said).toEqual(['restore', 'append-response']);
});

test('etcd 3.5 post-mortem: how far the state machine is stands in the snapshot that it is restored from, and nowhere else', async () => {
  const cluster = new TestCluster();
  const store = await storeWith(8, { term: 1, vote: 1, commit: 9 });
  const source = new ListMachine();
  source.items = ['item 2', 'item 3', 'item 4'];
  await store.createSnapshot({ index: 4, term: 1, conf: conf(1) }, source.capture());
  // However often it starts, what it has and what it is given fit: nothing is left out, nothing comes twice.
  for (let start = 0; start < 3; start += 1) {
    const { machine } = await cluster.start(1, store);
    await cluster.until(() => machine.items.length >= 8);
    await cluster.run(5);
    expect(machine.restoredAt).toBe(4);
    expect(machine.items).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((index) => `item ${index}`));
    await cluster.stop(1);
  }
});

test('etcd 10166: a member that lost what it had acknowledged stops with a code, and votes for nobody any more', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  await cluster.during(proposeAll(leader, 5));
  const { id } = leader.id === 1 ? cluster.member(2) : cluster.member(1);
  await cluster.until(() => leader.driver.status().members.every(({ match }) => match >= 7));
  const { term } = leader.driver.status();
  await cluster.stop(id);
  // Whole records are gone from the end of its log, and the commit index with them.
  const { failures, driver } = await cluster.start(id, await storeWith(1, { term, vote: 0, commit: 1 }));
  await cluster.until(() => failures.length > 0);
  expect(failures).toMatchObject([{ code: 'log-lost', message: expect.stringContaining('wipe its data') }]);
  const votes: string[] = [];
  cluster.network.join(3 + 1, {
    onMessages: (messages) => votes.push(...messages.map(({ type }) => type)),
    onSnapshot: async () => undefined,
    onUnreachable: () => undefined,
  });
  driver.onMessages([message({ type: 'vote', from: 4, to: id, term: term + 9, index: 99, logTerm: 99 })]);
  await cluster.run(20);
  expect(votes).toEqual([]);
});

test('NATS 2.12.1: nothing is acknowledged before the store says that it is durable, however long that takes', async () => {
  const cluster = new TestCluster();
  const durable: (() => void)[] = [];
  const waiting = (): LogStore => {
    const store = new MemoryLogStore({ bootstrap: conf(1, 2, 3) });
    const append = store.append.bind(store);
    store.append = async (batch) => {
      if (batch.entries.some(({ data }) => data.length > 0)) {
        await new Promise<void>((resolve) => {
          durable.push(resolve);
        });
      }
      await append(batch);
    };
    return store;
  };
  for (const id of [1, 2, 3]) await cluster.start(id, waiting());
  const leader = await cluster.leader();
  let acknowledged = false;
  const proposed = leader.driver.propose(Buffer.from('kept')).then(() => {
    acknowledged = true;
  });
  await cluster.until(() => durable.length === 3);
  await cluster.run(50);
  expect(acknowledged).toBe(false);
  durable[0]?.();
  await cluster.run(50);
  expect(acknowledged).toBe(false);
  durable[1]?.();
  await cluster.during(proposed);
  durable[2]?.();
});
