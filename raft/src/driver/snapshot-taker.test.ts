import { expect, test } from 'vitest';
import { MemoryLogStore } from '../storage/index.ts';
import type { Applier } from './applier.ts';
import { SnapshotTaker } from './snapshot-taker.ts';
import { ListMachine } from './testing/list-machine.ts';
import { conf } from './testing/test-cluster.ts';

async function setUp(state: {
  applied: number;
  membershipIndex: number;
  entries: number;
  bytes?: number;
  installing?: boolean;
}) {
  const store = new MemoryLogStore({ bootstrap: conf(1, 2, 3) });
  const entries = Array.from({ length: 30 }, (_, i) => ({
    index: i + 2,
    term: 1,
    type: 'normal' as const,
    data: new Uint8Array(1),
  }));
  await store.append({ entries, hardState: undefined, sync: true });
  const applier = {
    conf: conf(1, 2, 3),
    get applied() {
      return state.applied;
    },
    get membershipIndex() {
      return state.membershipIndex;
    },
    get sinceSnapshot() {
      return { entries: state.entries, bytes: state.bytes ?? 0 };
    },
    snapshotTaken: () => {
      state.entries = 0;
    },
  } as unknown as Applier;
  const errors: Error[] = [];
  const later: (() => void)[] = [];
  const taker = new SnapshotTaker({
    store,
    machine: new ListMachine(),
    applier,
    everyEntries: 10,
    everyBytes: 1_000,
    logBytesMax: undefined,
    keepEntries: 4,
    snapshotIndex: 0,
    installing: () => state.installing === true,
    unfit: () => state.installing === true,
    later: (work) => later.push(work),
    onError: (error) => errors.push(error),
  });
  return { store, taker, state, errors, later };
}

test('a snapshot is taken when enough was applied, and the log behind it is dropped but for what is kept', async () => {
  const { store, taker, state } = await setUp({ applied: 8, membershipIndex: 1, entries: 7 });
  taker.takeIfDue();
  await taker.stop();
  expect(taker.snapshotIndex).toBe(0);
  Object.assign(state, { applied: 20, entries: 12 });
  taker.takeIfDue();
  await taker.stop();
  expect([taker.snapshotIndex, store.firstIndex(), store.lastIndex()]).toEqual([20, 17, 31]);
});

test('what is applied already and not yet stored is in no snapshot before it is', async () => {
  const { store, taker } = await setUp({ applied: 32, membershipIndex: 1, entries: 31 });
  taker.takeIfDue();
  await taker.stop();
  expect(taker.snapshotIndex).toBe(0);
  const entry = { index: 32, term: 1, type: 'normal' as const, data: new Uint8Array(1) };
  await store.append({ entries: [entry], hardState: undefined, sync: true });
  taker.takeIfDue();
  await taker.stop();
  expect(taker.snapshotIndex).toBe(32);
});

test('a snapshot from before the latest change of membership is not sent: a newer one is made', async () => {
  const { taker, state } = await setUp({ applied: 20, membershipIndex: 1, entries: 12 });
  taker.takeIfDue();
  await taker.stop();
  expect(taker.newest().meta.index).toBe(20);
  Object.assign(state, { applied: 22, membershipIndex: 21 });
  const unavailable = expect.objectContaining({ code: 'snapshot-temporarily-unavailable' });
  expect(() => taker.newest()).toThrow(unavailable);
  taker.takeIfDue();
  await taker.stop();
  expect(taker.newest().meta.index).toBe(22);
});

test('a snapshot that fails is reported, and no other is taken meanwhile', async () => {
  const { store, taker, errors } = await setUp({ applied: 20, membershipIndex: 1, entries: 12 });
  store.createSnapshot = () => Promise.reject(new Error('Disk is full'));
  taker.takeIfDue();
  taker.takeIfDue();
  await taker.stop();
  expect(errors.map(({ message }) => message)).toEqual(['Disk is full']);
});

test('none is taken while a received one is put in force: the log has gone ahead of the state machine', async () => {
  const { taker, state, errors } = await setUp({ applied: 20, membershipIndex: 1, entries: 12, installing: true });
  taker.takeIfDue();
  await taker.stop();
  expect(taker.snapshotIndex).toBe(0);
  state.installing = false;
  taker.takeIfDue();
  await taker.stop();
  expect([taker.snapshotIndex, ...errors]).toEqual([20]);
});

test('of large entries no more is kept than is written between two snapshots', async () => {
  const { store, taker, state } = await setUp({ applied: 20, membershipIndex: 1, entries: 12 });
  taker.takeIfDue();
  await taker.stop();
  expect(store.firstIndex()).toBe(17);
  const entries = [400, 400, 400].map((bytes, place) => {
    return { index: 32 + place, term: 1, type: 'normal' as const, data: new Uint8Array(bytes) };
  });
  await store.append({ entries, hardState: undefined, sync: true });
  Object.assign(state, { applied: 34, entries: 0, bytes: 1_200 });
  taker.takeIfDue();
  await taker.stop();
  expect([taker.snapshotIndex, store.firstIndex()]).toEqual([34, 33]);
});
