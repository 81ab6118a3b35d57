import { expect, test } from 'vitest';
import type { Message } from '../core/index.ts';
import { MemoryLogStore } from '../storage/index.ts';
import { SnapshotReceiver, type SnapshotReceiverParts } from './snapshot-receiver.ts';
import { conf } from './testing/test-cluster.ts';

const message: Message = {
  type: 'snapshot',
  to: 1,
  from: 2,
  term: 5,
  logTerm: 0,
  index: 0,
  entries: [],
  commit: 0,
  vote: 0,
  snapshot: { meta: { index: 50, term: 4, conf: conf(1, 2) }, data: new Uint8Array(0) },
  reject: false,
  rejectHint: 0,
  context: new Uint8Array(0),
  responses: [],
};

function setUp(more: Partial<SnapshotReceiverParts> = {}) {
  const stepped: Message[] = [];
  const errors: Error[] = [];
  const store = new MemoryLogStore({ bootstrap: conf(1, 2) });
  const receiver = new SnapshotReceiver({
    id: 1,
    store,
    wanted: () => true,
    installing: () => false,
    step: (one) => stepped.push(one),
    onError: (error) => errors.push(error),
    ...more,
  });
  return { receiver, stepped, errors, store };
}

async function* data(failure?: Error): AsyncGenerator<Uint8Array, void, undefined> {
  yield new Uint8Array(3);
  if (failure !== undefined) throw failure;
}

test('the core hears of a snapshot only once its data is stored', async () => {
  const { receiver, stepped, store } = setUp();
  const order: string[] = [];
  const receive = store.receiveSnapshot.bind(store);
  store.receiveSnapshot = async (...given) => {
    const stored = await receive(...given);
    order.push(`stored, ${stepped.length} stepped`);
    return stored;
  };
  await receiver.receive(message, data());
  expect(order).toEqual(['stored, 0 stepped']);
  expect(stepped.map(({ snapshot }) => snapshot?.meta.index)).toEqual([50]);
});

test('a snapshot that is not wanted is not read, but the core hears of it', async () => {
  const { receiver, stepped, store } = setUp({ wanted: () => false });
  store.receiveSnapshot = () => Promise.reject(new Error('Must not be called'));
  await receiver.receive(message, data());
  expect(stepped).toEqual([message]);
});

test('a stream that breaks off rejects and harms nothing; a store that fails is fatal', async () => {
  const { receiver, stepped, errors, store } = setUp();
  await expect(receiver.receive(message, data(new Error('Peer is gone')))).rejects.toThrow('Peer is gone');
  expect(errors).toEqual([]);
  store.receiveSnapshot = () => Promise.reject(new Error('Disk is broken'));
  await expect(receiver.receive(message, data())).rejects.toThrow('Disk is broken');
  expect(errors.map((error) => error.message)).toEqual(['Disk is broken']);
  expect(stepped).toEqual([]);
});

test('one at a time: another snapshot meanwhile is refused, and the next one taken', async () => {
  const { receiver, stepped } = setUp();
  const first = receiver.receive(message, data());
  await expect(receiver.receive(message, data())).rejects.toMatchObject({ code: 'overloaded' });
  await first;
  await receiver.receive(message, data());
  expect(stepped).toHaveLength(2);
});

test('nothing is received while a snapshot is being put in force, nor what is for someone else', async () => {
  const busy = setUp({ installing: () => true });
  await expect(busy.receiver.receive(message, data())).rejects.toMatchObject({ code: 'overloaded' });
  const { receiver } = setUp();
  await expect(receiver.receive({ ...message, to: 3 }, data())).rejects.toThrow('not for us');
});
