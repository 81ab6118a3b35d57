import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { LogStore } from '../driver/ports.ts';
import { chunksOf, contentOf, describeLogStore, FOUNDERS, makeEntries, metaAt } from './log-store-suite.ts';
import { type LogStoreOptions, openLogStore } from './open-log-store.ts';

const identity = { clusterId: 'test-cluster', nodeId: 1 };
const directories: string[] = [];

const stores: LogStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'cell-log-store-'));
  directories.push(directory);
  return directory;
}

async function open(directory: string, more: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  const store = await openLogStore({ directory, identity, bootstrap: FOUNDERS, segmentBytes: 64 * 1024, ...more });
  stores.push(store);
  return store;
}

describeLogStore('FileLogStore', async () => {
  const directory = await makeDirectory();
  return {
    open: () => open(directory),
    reopen: async (store) => {
      await store.close();
      return open(directory);
    },
    dispose: async () => undefined,
  };
});

/** Enough for several segments of 64 KiB: 40 batches of 10 entries of 500 bytes. */
async function fillSegments(store: LogStore): Promise<void> {
  for (let i = 0; i < 40; i += 1) {
    const hardState = { term: 1, vote: 0, commit: 1 + i * 10 };
    await store.append({ entries: makeEntries(2 + i * 10, 10, 1, 500), hardState, sync: true });
  }
}

async function segmentsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.wal')).sort();
}

test('a log of many segments comes back, and compaction deletes the old ones', async () => {
  const directory = await makeDirectory();
  const store = await open(directory);
  await fillSegments(store);
  const before = contentOf(store);
  await store.close();
  const again = await open(directory);
  expect(contentOf(again)).toEqual(before);
  const segments = await segmentsIn(directory);
  expect(segments.length).toBeGreaterThan(3);
  await again.createSnapshot(metaAt(350, 1), chunksOf('state'));
  await again.compact(340);
  expect((await segmentsIn(directory)).length).toBeLessThan(segments.length);
  await again.append({ entries: makeEntries(402, 1, 2), hardState: undefined, sync: true });
  const kept = again.entries(341, 403, 1e9);
  await again.close();
  const third = await open(directory);
  expect(third.entries(341, 403, 1e9)).toEqual(kept.map((one) => ({ ...one, data: new Uint8Array(one.data) })));
  expect(third.firstIndex()).toBeLessThanOrEqual(341);
  await third.close();
});

test('compaction keeps every segment that holds an entry behind its index', async () => {
  const directory = await makeDirectory();
  const store = await open(directory);
  await fillSegments(store);
  const before = (await segmentsIn(directory)).length;
  await store.createSnapshot(metaAt(350, 1), chunksOf('state'));
  for (const index of [2, 130]) {
    await store.compact(index);
    expect(store.firstIndex()).toBe(index + 1);
  }
  const after = (await segmentsIn(directory)).length;
  expect(after).toBeLessThan(before);
  expect(after).toBeGreaterThan(2);
  await store.close();
  const again = await open(directory);
  expect(again.firstIndex()).toBeLessThanOrEqual(131);
  expect(again.entries(131, 402, 1e9)).toHaveLength(271);
});

test('a tail that was replaced across segments comes back as it was', async () => {
  const directory = await makeDirectory();
  const store = await open(directory);
  await fillSegments(store);
  await store.append({ entries: makeEntries(381, 5, 2), hardState: { term: 2, vote: 1, commit: 380 }, sync: true });
  const before = contentOf(store);
  expect(before.last).toBe(385);
  await store.close();
  expect(contentOf(await open(directory))).toEqual(before);
});

test('a batch larger than a segment gets a segment of its own', async () => {
  const directory = await makeDirectory();
  const store = await open(directory);
  await store.append({ entries: makeEntries(2, 3, 1, 100_000), hardState: undefined, sync: true });
  await store.append({ entries: makeEntries(5, 3, 1, 100), hardState: undefined, sync: true });
  const before = contentOf(store);
  await store.close();
  expect(contentOf(await open(directory))).toEqual(before);
});

test('bootstrapping counts only while the directory is empty', async () => {
  const directory = await makeDirectory();
  await (await open(directory)).close();
  const store = await open(directory, { bootstrap: { ...FOUNDERS, voters: [1] } });
  expect(store.initialState().conf).toEqual(FOUNDERS);
});

test('a member that will be added begins at index 0 without members', async () => {
  const store = await open(await makeDirectory(), { bootstrap: undefined });
  expect(store.initialState()).toEqual({
    hardState: { term: 0, vote: 0, commit: 0 },
    conf: { ...FOUNDERS, voters: [] },
  });
  expect([store.firstIndex(), store.lastIndex(), store.term(0)]).toEqual([1, 0, 0]);
});

test('data of another cluster or of another member is refused, with both names', async () => {
  const directory = await makeDirectory();
  await (await open(directory)).close();
  for (const other of [
    { clusterId: 'other', nodeId: 1 },
    { clusterId: 'test-cluster', nodeId: 2 },
  ]) {
    const opening = open(directory, { identity: other });
    await expect(opening).rejects.toMatchObject({ code: 'CELL_E_FOREIGN_DATA' });
    await expect(opening).rejects.toThrow(`member ${other.nodeId} of cluster "${other.clusterId}"`);
    await expect(opening).rejects.toThrow('member 1 of cluster "test-cluster"');
  }
});

test('a directory that another store has open is refused, and free again once it is closed', async () => {
  const directory = await makeDirectory();
  const store = await open(directory);
  await expect(open(directory)).rejects.toMatchObject({ code: 'CELL_E_DIRECTORY_IN_USE' });
  await store.close();
  await (await open(directory)).close();
});

test('the lock of a process that is gone is taken over', async () => {
  const directory = await makeDirectory();
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  for (const owner of [{ pid: 999_999_999, started: '1', boot }, { pid: process.pid, started: '1', boot }, 'garbage']) {
    await writeFile(path.join(directory, 'lock'), JSON.stringify(owner));
    await (await open(directory)).close();
  }
});

test('a failed opening leaves the directory free', async () => {
  const directory = await makeDirectory();
  await (await open(directory)).close();
  await expect(open(directory, { identity: { clusterId: 'other', nodeId: 1 } })).rejects.toThrow();
  await (await open(directory)).close();
});

test('a closed store refuses everything', async () => {
  const store = await open(await makeDirectory());
  await store.close();
  const closed = { code: 'CELL_E_STORE_CLOSED' };
  await expect(store.append({ entries: [], hardState: undefined, sync: true })).rejects.toMatchObject(closed);
  await expect(store.compact(1)).rejects.toMatchObject(closed);
  await expect(store.createSnapshot(metaAt(1, 1), chunksOf(''))).rejects.toMatchObject(closed);
});
