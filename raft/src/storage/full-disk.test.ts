/** A disk without room, in memory: nothing is lost, and all goes on when there is room. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogStore } from '../driver/ports.ts';
import { chunksOf, contentOf, FOUNDERS, makeEntries, metaAt } from './log-store-suite.ts';
import { openLogStore } from './open-log-store.ts';
import { failure, MemoryFileSystem } from './testing/memory-file-system.ts';

const FULL = { code: 'CELL_E_DISK_FULL' };

function open(fileSystem: MemoryFileSystem): Promise<LogStore> {
  return openLogStore({
    directory: '/data',
    identity: { clusterId: 'c', nodeId: 1 },
    bootstrap: FOUNDERS,
    segmentBytes: 64 * 1024,
    fileSystem,
    lock: async () => async () => undefined,
  });
}

/** What a disk that is full refuses: everything but overwriting what is there. */
function fill(disk: MemoryFileSystem): void {
  disk.free = 0;
  disk.beforeEach = async (operation, name) => {
    if (operation === 'open' && name.endsWith('.tmp')) throw failure('ENOSPC', name);
  };
}

function empty(disk: MemoryFileSystem): void {
  disk.free = Number.MAX_SAFE_INTEGER;
  disk.beforeEach = undefined;
}

/** Appends until there is no room; returns the last index that was acknowledged. */
async function appendAll(store: LogStore): Promise<number> {
  for (;;) {
    const last = store.lastIndex();
    const entries = makeEntries(last + 1, 1, 1, 5_000);
    try {
      await store.append({ entries, hardState: undefined, sync: true });
    } catch (error) {
      expect(error).toMatchObject(FULL);
      return last;
    }
  }
}

test('entries are refused when the reserved segments are full; terms and votes are written on, and survive', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  fill(disk);
  const last = await appendAll(store);
  expect([last > 15, store.disk, store.lastIndex()]).toEqual([true, 'full', last]);
  for (let term = 2; term < 40; term += 1) {
    await store.append({ entries: [], hardState: { term, vote: 3, commit: 1 }, sync: true });
    await expect(
      store.append({ entries: makeEntries(last + 1, 1, term, 5_000), hardState: undefined, sync: true }),
    ).rejects.toMatchObject(FULL);
  }
  const again = await open(disk.crash(() => true));
  expect(again.initialState().hardState).toMatchObject({ term: 39, vote: 3 });
  expect(again.lastIndex()).toBe(last);
});

test('the reserve ends too, and that is told in the same way', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  fill(disk);
  await appendAll(store);
  let written = 0;
  const voting = (async () => {
    for (let term = 2; ; term += 1, written += 1) {
      await store.append({ entries: [], hardState: { term, vote: 1, commit: 1 }, sync: true });
    }
  })();
  await expect(voting).rejects.toMatchObject(FULL);
  expect(written).toBeGreaterThan(40);
});

test('with room again the store goes on by itself', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  fill(disk);
  const last = await appendAll(store);
  expect(await store.checkRoom()).toBe('full');
  empty(disk);
  expect(await store.checkRoom()).toBe('ok');
  for (let i = 1; i <= 30; i += 1) {
    await store.append({ entries: makeEntries(last + i, 1, 1, 5_000), hardState: undefined, sync: true });
  }
  expect((await open(disk.crash(() => true))).lastIndex()).toBe(last + 30);
});

test('little free space is told before anything fails, and more is needed to come back', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  expect(await store.checkRoom()).toBe('ok');
  disk.free = 10 * 1024;
  expect(await store.checkRoom()).toBe('full');
  await store.append({ entries: makeEntries(2, 1, 1), hardState: undefined, sync: true });
  disk.free = 20 * 1024;
  expect(await store.checkRoom()).toBe('full');
  disk.free = 40 * 1024;
  expect(await store.checkRoom()).toBe('ok');
});

test('part of a frame that found no room is wiped before the next one, also if that is shorter', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  await store.append({ entries: makeEntries(2, 3, 1), hardState: undefined, sync: true });
  disk.writeBytesMax = 512;
  let writes = 0;
  disk.beforeEach = async (operation, name) => {
    if (operation === 'write' && ++writes === 4) throw failure('ENOSPC', name);
  };
  const long = store.append({ entries: makeEntries(5, 1, 1, 4_000), hardState: undefined, sync: true });
  await expect(long).rejects.toMatchObject(FULL);
  expect((await open(disk.crash())).lastIndex()).toBe(4);
  empty(disk);
  await store.append({ entries: makeEntries(5, 1, 2), hardState: undefined, sync: true });
  const after = contentOf(store);
  expect(contentOf(await open(disk.crash()))).toEqual(after);
  expect(contentOf(await open(disk.crash(() => true)))).toEqual(after);
});

test('a sync that finds no room is a failed sync: nothing is written any more', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  disk.beforeEach = async (operation, name) => {
    if (operation === 'datasync') throw failure('ENOSPC', name);
  };
  const failing = store.append({ entries: makeEntries(2, 1, 1), hardState: undefined, sync: true });
  await expect(failing).rejects.toMatchObject({ code: 'CELL_E_DISK_FAILED' });
  empty(disk);
  const later = store.append({ entries: makeEntries(2, 1, 1), hardState: undefined, sync: true });
  await expect(later).rejects.toMatchObject({ code: 'CELL_E_STORE_FAILED' });
});

test('a snapshot without room leaves no file behind, and works later', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  await store.append({ entries: makeEntries(2, 20, 1), hardState: { term: 1, vote: 1, commit: 15 }, sync: true });
  for (const operation of ['open', 'write', 'datasync', 'rename'] as const) {
    disk.beforeEach = async (one, name) => {
      if (one === operation && name.includes('snapshot-')) throw failure('ENOSPC', name);
    };
    const before = await disk.list('/data');
    await expect(store.createSnapshot(metaAt(10, 1), chunksOf('state')), operation).rejects.toMatchObject(FULL);
    expect(await disk.list('/data'), operation).toEqual(before);
  }
  empty(disk);
  await store.createSnapshot(metaAt(10, 1), chunksOf('state'));
  expect((await open(disk.crash(() => true))).snapshot().meta.index).toBe(10);
});

test('whichever operation finds no room, and whenever power is lost: what was acknowledged is there', async () => {
  const noRoom = fc.array(fc.boolean(), { minLength: 10, maxLength: 40 });
  const bytes = fc.array(fc.integer({ min: 10, max: 30_000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(noRoom, bytes, fc.infiniteStream(fc.boolean()), async (failing, sizes, chances) => {
      const disk = new MemoryFileSystem();
      disk.writeBytesMax = 4_096;
      const store = await open(disk);
      await nextTurn();
      let operations = 0;
      disk.beforeEach = async (operation, name) => {
        const refused = failing[operations++ % failing.length];
        if (refused && (operation === 'write' || operation === 'open' || operation === 'rename')) {
          throw failure('ENOSPC', name);
        }
      };
      for (const size of sizes) {
        const entries = makeEntries(store.lastIndex() + 1, 1, 1, size);
        await store.append({ entries, hardState: undefined, sync: true }).catch((error) => {
          // A new segment that has its name already can't be taken back: that is the end, as for a failed sync.
          if (error.code !== 'CELL_E_DISK_FAILED' && error.code !== 'CELL_E_STORE_FAILED')
            expect(error).toMatchObject(FULL);
        });
      }
      const acknowledged = contentOf(store).entries;
      disk.beforeEach = undefined;
      const again = await open(disk.crash(() => chances.next().value as boolean));
      expect(contentOf(again).entries.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect(again.lastIndex()).toBeLessThanOrEqual(store.lastIndex() + 1);
    }),
    { numRuns: 200 },
  );
});

test('looking for room while the next segment is being made takes nothing away from it', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  fill(disk);
  const last = await appendAll(store);
  // There is room again, and the log finds it first; but making a segment takes longer than the pause between looks.
  empty(disk);
  let go = (): void => undefined;
  let making = false;
  disk.beforeEach = (operation, name) => {
    if (making || operation !== 'write' || !name.endsWith('.tmp')) return undefined;
    making = true;
    return new Promise((resolve) => {
      go = resolve;
    });
  };
  const append = store.append({ entries: makeEntries(last + 1, 1, 1, 5_000), hardState: undefined, sync: true });
  for (let turn = 0; !making && turn < 100; turn += 1) await nextTurn();
  const looks = [store.checkRoom(), store.checkRoom(), store.checkRoom()];
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  go();
  await append;
  expect(await Promise.all(looks)).toEqual(['ok', 'ok', 'ok']);
  await store.append({ entries: makeEntries(last + 2, 1, 1, 5_000), hardState: undefined, sync: true });
  expect((await open(disk.crash(() => true))).lastIndex()).toBe(last + 2);
});

test('where not even what a write has left can be wiped, nothing else is left behind, and later all goes on', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  await store.append({ entries: makeEntries(2, 6, 1, 5_000), hardState: undefined, sync: true });
  disk.beforeEach = async (operation, name) => {
    if (operation === 'write' && name.endsWith('.wal')) throw failure('ENOSPC', name);
  };
  const small = { entries: makeEntries(8, 1, 1, 5_000), hardState: undefined, sync: true };
  const large = { entries: makeEntries(8, 6, 1, 8_000), hardState: undefined, sync: true };
  await expect(store.append(small)).rejects.toMatchObject(FULL);
  // It needs the next segment.
  await expect(store.append(large)).rejects.toMatchObject(FULL);
  await expect(store.append(large)).rejects.toMatchObject(FULL);
  empty(disk);
  await store.append(large);
  expect((await open(disk.crash(() => true))).lastIndex()).toBe(13);
});

test('once the log says that a received snapshot is in force there is no way back, also not for want of room', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await store.append({ entries: makeEntries(2, 9, 1), hardState: undefined, sync: true });
  const meta = metaAt(100, 2);
  await store.receiveSnapshot(meta, chunksOf('state'));
  disk.beforeEach = async (operation, name) => {
    if (operation === 'rename' && name.endsWith('.received')) throw failure('ENOSPC', name);
  };
  const installing = store.installSnapshot({ meta, data: new Uint8Array(0) }, undefined);
  await expect(installing).rejects.toMatchObject({ code: 'CELL_E_DISK_FAILED' });
  // Entries of the old log must not come behind it.
  const entries = makeEntries(11, 1, 1);
  await expect(store.append({ entries, hardState: undefined, sync: true })).rejects.toMatchObject({
    code: 'CELL_E_STORE_FAILED',
  });
  disk.beforeEach = undefined;
  expect((await open(disk.crash(() => true))).lastIndex()).toBe(100);
});
