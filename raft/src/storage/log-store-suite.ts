/** What every `LogStore` must do; run by each implementation's test file. */
import { afterEach, describe, expect, test } from 'vitest';
import { type ConfState, type Entry, entrySize, type HardState, type SnapshotMeta } from '../core/index.ts';
import type { LogStore } from '../driver/ports.ts';

export const FOUNDERS: ConfState = {
  voters: [1, 2, 3],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

export const ALL = Number.MAX_SAFE_INTEGER;

export interface StoreUnderTest {
  readonly open: () => Promise<LogStore>;
  /** Closes the store and opens its data again. */
  readonly reopen: (store: LogStore) => Promise<LogStore>;
  readonly dispose: () => Promise<void>;
}

/** Entries [first, first + count) of `term`; each one's data tells its place and term. */
export function makeEntries(first: number, count: number, term: number, dataBytes = 20): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    term,
    index: first + i,
    type: 'normal',
    data: Buffer.from(`${term}/${first + i};`.padEnd(dataBytes, 'x')),
  }));
}

export async function* chunksOf(text: string, chunkBytes = 7): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function textOf(data: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Everything that a restart must bring back, in comparable form. */
export function contentOf(store: LogStore): { hardState: HardState; first: number; last: number; entries: string[] } {
  const first = store.firstIndex();
  const last = store.lastIndex();
  const entries = last < first ? [] : store.entries(first, last + 1, ALL);
  return {
    hardState: store.initialState().hardState,
    first,
    last,
    entries: entries.map((one) => `${one.index} ${one.term} ${one.type} ${Buffer.from(one.data).toString()}`),
  };
}

export function metaAt(index: number, term: number, voters: readonly number[] = [1, 2, 3]): SnapshotMeta {
  return { index, term, conf: { ...FOUNDERS, voters } };
}

export function describeLogStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const made: StoreUnderTest[] = [];
    afterEach(async () => {
      for (const one of made.splice(0)) await one.dispose();
    });
    async function start(): Promise<{ store: LogStore; reopen: (store: LogStore) => Promise<LogStore> }> {
      const under = await make();
      made.push(under);
      return { store: await under.open(), reopen: under.reopen };
    }
    founding(start);
    appending(start);
    snapshots(start);
    installing(start);
  });
}

type Start = () => Promise<{ store: LogStore; reopen: (store: LogStore) => Promise<LogStore> }>;

function founding(start: Start): void {
  test('a founder begins at index 1 as if it were compacted, with the founding members', async () => {
    const { store, reopen } = await start();
    for (const one of [store, await reopen(store)]) {
      expect(one.initialState()).toEqual({ hardState: { term: 1, vote: 0, commit: 1 }, conf: FOUNDERS });
      expect([one.firstIndex(), one.lastIndex(), one.term(1)]).toEqual([2, 1, 1]);
      expect(() => one.term(0)).toThrow(expect.objectContaining({ code: 'compacted' }));
      expect(() => one.entries(1, 2, ALL)).toThrow(expect.objectContaining({ code: 'compacted' }));
      expect(() => one.term(2)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    }
  });

  test('there is no snapshot to send before one was made', async () => {
    const { store } = await start();
    expect(() => store.snapshot()).toThrow(expect.objectContaining({ code: 'snapshot-temporarily-unavailable' }));
  });
}

function appending(start: Start): void {
  test('entries and hard state come back after a restart', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 5, 2), hardState: { term: 2, vote: 3, commit: 1 }, sync: true });
    await store.append({ entries: makeEntries(7, 2, 2), hardState: undefined, sync: true });
    const before = contentOf(store);
    expect(before).toMatchObject({ first: 2, last: 8, hardState: { term: 2, vote: 3, commit: 1 } });
    expect(contentOf(await reopen(store))).toEqual(before);
  });

  test('the type of an entry and its empty data come back', async () => {
    const { store, reopen } = await start();
    const entries: Entry[] = [
      { term: 1, index: 2, type: 'normal', data: new Uint8Array(0) },
      { term: 1, index: 3, type: 'conf-change', data: new Uint8Array([1, 2]) },
    ];
    await store.append({ entries, hardState: undefined, sync: true });
    const found = (await reopen(store)).entries(2, 4, ALL);
    expect(found.map((one) => [one.type, [...one.data]])).toEqual([
      ['normal', []],
      ['conf-change', [1, 2]],
    ]);
  });

  test('an append below the end replaces the old tail, also after a restart', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 10, 2), hardState: undefined, sync: true });
    await store.append({ entries: makeEntries(5, 2, 3), hardState: undefined, sync: true });
    for (const one of [store, await reopen(store)]) {
      expect(one.lastIndex()).toBe(6);
      expect([2, 3, 4, 5, 6].map((index) => one.term(index))).toEqual([2, 2, 2, 3, 3]);
    }
  });

  test('a hard state that needs no sync is there after an orderly restart', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 3, 1), hardState: undefined, sync: true });
    await store.append({ entries: [], hardState: { term: 1, vote: 0, commit: 4 }, sync: false });
    expect((await reopen(store)).initialState().hardState.commit).toBe(4);
  });

  test('entries are cut at the size asked for, but the first comes in any case', async () => {
    const { store } = await start();
    await store.append({ entries: makeEntries(2, 10, 1, 100), hardState: undefined, sync: true });
    expect(store.entries(2, 12, 0).length).toBe(1);
    const size = entrySize(store.entries(2, 3, ALL)[0] as Entry);
    expect(store.entries(2, 12, 3 * size).length).toBe(3);
    expect(store.entries(2, 12, 3 * size - 1).length).toBe(2);
    expect(store.entries(4, 6, ALL).map((one) => one.index)).toEqual([4, 5]);
  });

  test('entries made after a call of entries() do not show in its result', async () => {
    const { store } = await start();
    await store.append({ entries: makeEntries(2, 4, 1), hardState: undefined, sync: true });
    const seen = store.entries(2, 6, ALL);
    await store.append({ entries: makeEntries(3, 1, 2), hardState: undefined, sync: true });
    expect(seen.map((one) => one.term)).toEqual([1, 1, 1, 1]);
  });
}

function snapshots(start: Start): void {
  test('a snapshot keeps the log, and compaction drops entries up to its index', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 20, 1), hardState: { term: 1, vote: 0, commit: 21 }, sync: true });
    await store.createSnapshot(metaAt(15, 1), chunksOf('state at 15'));
    expect(store.firstIndex()).toBe(2);
    await store.compact(10);
    expect([store.firstIndex(), store.lastIndex(), store.term(10)]).toEqual([11, 21, 1]);
    await expect(store.compact(16)).rejects.toThrow('Entry 16');
    const again = await reopen(store);
    expect(again.snapshot().meta).toEqual(metaAt(15, 1));
    expect(await textOf(again.readSnapshot(again.snapshot()))).toBe('state at 15');
    expect(again.lastIndex()).toBe(21);
    expect(again.firstIndex()).toBeLessThanOrEqual(11);
  });

  test('the newest snapshot brings its members after a restart', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 20, 1), hardState: { term: 1, vote: 0, commit: 21 }, sync: true });
    await store.createSnapshot(metaAt(5, 1), chunksOf('old'));
    await store.createSnapshot(metaAt(9, 1, [1, 2, 3, 4]), chunksOf('new'));
    const again = await reopen(store);
    expect(again.initialState().conf.voters).toEqual([1, 2, 3, 4]);
    expect(await textOf(again.readSnapshot(again.snapshot()))).toBe('new');
  });

  test('the snapshot before the newest can still be read, older ones are gone', async () => {
    const { store } = await start();
    await store.append({ entries: makeEntries(2, 20, 1), hardState: undefined, sync: true });
    const one = await store.createSnapshot(metaAt(5, 1), chunksOf('one'));
    const two = await store.createSnapshot(metaAt(6, 1), chunksOf('two'));
    await store.createSnapshot(metaAt(7, 1), chunksOf('three'));
    expect(await textOf(store.readSnapshot(two))).toBe('two');
    await expect(textOf(store.readSnapshot(one))).rejects.toThrow();
  });

  test('an empty snapshot and one larger than a block come back as they were', async () => {
    const { store } = await start();
    await store.append({ entries: makeEntries(2, 20, 1), hardState: undefined, sync: true });
    const long = 'snapshot '.repeat(100_000);
    const empty = await store.createSnapshot(metaAt(5, 1), chunksOf(''));
    const large = await store.createSnapshot(metaAt(6, 1), chunksOf(long, 70_001));
    expect(await textOf(store.readSnapshot(empty))).toBe('');
    expect((await textOf(store.readSnapshot(large))) === long).toBe(true);
  });

  test('a snapshot whose data breaks off is not there, and the store works on', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 20, 1), hardState: undefined, sync: true });
    async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(10);
      throw new Error('Peer is gone');
    }
    await expect(store.receiveSnapshot(metaAt(90, 2), broken())).rejects.toThrow('Peer is gone');
    await expect(store.createSnapshot(metaAt(9, 1), broken())).rejects.toThrow('Peer is gone');
    await store.append({ entries: makeEntries(22, 1, 1), hardState: undefined, sync: true });
    const again = await reopen(store);
    expect(() => again.snapshot()).toThrow();
    expect(again.lastIndex()).toBe(22);
  });
}

function installing(start: Start): void {
  test('a received snapshot is not in force before it is installed, nor after a restart', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 3, 1), hardState: undefined, sync: true });
    await store.receiveSnapshot(metaAt(90, 2), chunksOf('theirs'));
    for (const one of [store, await reopen(store)]) {
      expect(one.lastIndex()).toBe(4);
      expect(() => one.snapshot()).toThrow();
    }
  });

  test('an installed snapshot replaces the log and the hard state, and the log goes on behind it', async () => {
    const { store, reopen } = await start();
    await store.append({ entries: makeEntries(2, 3, 1), hardState: undefined, sync: true });
    const received = await store.receiveSnapshot(metaAt(90, 2, [2, 3]), chunksOf('theirs'));
    await store.installSnapshot(received, { term: 3, vote: 2, commit: 90 });
    await store.append({ entries: makeEntries(91, 2, 3), hardState: undefined, sync: true });
    expect(await textOf(store.readSnapshot(store.snapshot()))).toBe('theirs');
    const again = await reopen(store);
    for (const one of [store, again]) {
      expect([one.firstIndex(), one.lastIndex(), one.term(90), one.term(92)]).toEqual([91, 92, 2, 3]);
      expect(one.initialState().hardState).toEqual({ term: 3, vote: 2, commit: 90 });
      expect(one.initialState().conf.voters).toEqual([2, 3]);
    }
    expect(await textOf(again.readSnapshot(again.snapshot()))).toBe('theirs');
  });

  test('installing without a hard state still moves the commit index to the snapshot', async () => {
    const { store, reopen } = await start();
    const received = await store.receiveSnapshot(metaAt(90, 1), chunksOf('theirs'));
    await store.installSnapshot(received, undefined);
    for (const one of [store, await reopen(store)]) expect(one.initialState().hardState.commit).toBe(90);
  });

  test('installing a snapshot that was never received is refused', async () => {
    const { store } = await start();
    await expect(store.installSnapshot({ meta: metaAt(90, 1), data: new Uint8Array(0) }, undefined)).rejects.toThrow();
  });
}
