/** Power loss, damage and failing disks, on a disk in memory that knows what was synced. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogStore } from '../driver/ports.ts';
import { chunksOf, contentOf, FOUNDERS, makeEntries, metaAt } from './log-store-suite.ts';
import { MemoryLogStore } from './memory-log-store.ts';
import { openLogStore } from './open-log-store.ts';
import type { TornTail } from './recover-segments.ts';
import { failure, MemoryFileSystem, type Operation } from './testing/memory-file-system.ts';

const DIRECTORY = '/data';
const FIRST_SEGMENT = '/data/log-00000001.wal';

function open(fileSystem: MemoryFileSystem, onTornTail: (tail: TornTail) => void = () => undefined): Promise<LogStore> {
  return openLogStore({
    directory: DIRECTORY,
    identity: { clusterId: 'c', nodeId: 1 },
    bootstrap: FOUNDERS,
    segmentBytes: 64 * 1024,
    fileSystem,
    lock: async () => async () => undefined,
    onTornTail,
  });
}

/** A log of three batches, and where its last frame begins and ends. */
async function threeBatches(): Promise<{ disk: MemoryFileSystem; starts: number[]; states: unknown[] }> {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const starts: number[] = [endOfFrames(disk)];
  const states: unknown[] = [contentOf(store)];
  for (const [first, count] of [
    [2, 2],
    [4, 3],
    [7, 12],
  ] as const) {
    await store.append({
      entries: makeEntries(first, count, 1, 60),
      hardState: { term: 1, vote: 1, commit: first - 1 },
      sync: true,
    });
    starts.push(endOfFrames(disk));
    states.push(contentOf(store));
  }
  await store.close();
  return { disk, starts, states };
}

function endOfFrames(disk: MemoryFileSystem): number {
  const bytes = disk.bytesOf(FIRST_SEGMENT);
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  return Math.ceil(end / 32) * 32;
}

test('a write cut short at any byte is cut off and said, and everything before it is there', async () => {
  const { disk, starts, states } = await threeBatches();
  const tail = starts[2] as number;
  const end = disk.bytesOf(FIRST_SEGMENT).findLastIndex((byte) => byte !== 0);
  for (let length = tail; length <= end; length += 1) {
    for (const fill of ['zeros', 'end of file'] as const) {
      const crashed = disk.crash();
      const bytes = crashed.bytesOf(FIRST_SEGMENT).slice();
      bytes.fill(0, length);
      crashed.replace(FIRST_SEGMENT, fill === 'zeros' ? bytes : bytes.slice(0, length));
      const tails: TornTail[] = [];
      const store = await open(crashed, (torn) => tails.push(torn));
      expect(contentOf(store)).toEqual(states[2]);
      if (length > tail) expect(tails).toEqual([{ file: FIRST_SEGMENT, offset: tail }]);
      await store.append({ entries: makeEntries(7, 1, 2), hardState: undefined, sync: true });
      const after = contentOf(store);
      await store.close();
      expect(contentOf(await open(crashed))).toEqual(after);
    }
  }
}, 60_000);

test('a changed byte anywhere in the log is damage, named with file and place, or does not matter', async () => {
  const { disk, starts, states } = await threeBatches();
  for (let at = 0; at < (starts[3] as number); at += 1) {
    const damaged = disk.crash();
    const bytes = damaged.bytesOf(FIRST_SEGMENT);
    bytes[at] = (bytes[at] as number) ^ 0x10;
    const frame = at < 512 ? 0 : Math.max(512, ...starts.filter((start) => start <= at));
    await expect(open(damaged)).rejects.toMatchObject({
      code: 'CELL_E_LOG_DAMAGED',
      file: FIRST_SEGMENT,
      offset: frame,
    });
  }
  expect(states.length).toBe(4);
}, 60_000);

test('a frame of zeros with a good one behind it is damage', async () => {
  const { disk, starts } = await threeBatches();
  disk.bytesOf(FIRST_SEGMENT).fill(0, starts[1], starts[2]);
  await expect(open(disk)).rejects.toMatchObject({ code: 'CELL_E_LOG_DAMAGED', offset: starts[1] });
});

test('a frame that stands in the wrong place is damage', async () => {
  const { disk, starts } = await threeBatches();
  const bytes = disk.bytesOf(FIRST_SEGMENT);
  bytes.set(bytes.slice(starts[0], starts[1]), starts[3]);
  await expect(open(disk)).rejects.toMatchObject({ code: 'CELL_E_LOG_DAMAGED', offset: starts[3] });
});

test('damage and gaps in a log of many segments are refused', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  for (let i = 0; i < 30; i += 1) {
    await store.append({ entries: makeEntries(2 + i * 10, 10, 1, 1000), hardState: undefined, sync: true });
  }
  await store.close();
  const segments = (await disk.list(DIRECTORY))
    .filter((name) => name.endsWith('.wal'))
    .sort()
    .map((name) => `/data/${name}`);
  expect(segments.length).toBeGreaterThan(4);
  for (const missing of segments) {
    const damaged = disk.crash();
    await damaged.remove(missing);
    await expect(open(damaged), `without ${missing}`).rejects.toMatchObject({ name: 'StorageError' });
  }
  for (const segment of segments.slice(0, -1)) {
    const cut = disk.crash();
    cut.bytesOf(segment).fill(0, 40_000);
    await expect(open(cut), `with ${segment} cut`).rejects.toMatchObject({ code: 'CELL_E_LOG_DAMAGED' });
    const swapped = disk.crash();
    swapped.replace(segment, disk.bytesOf(segments.at(-1) as string).slice());
    await expect(open(swapped), `with ${segment} swapped`).rejects.toMatchObject({ code: 'CELL_E_LOG_DAMAGED' });
  }
});

test('another format version is refused by name, and not as damage', async () => {
  const { disk } = await threeBatches();
  const bytes = disk.bytesOf(FIRST_SEGMENT);
  bytes[8] = 2;
  new DataView(bytes.buffer).setUint32(12, crc32(bytes.subarray(16, 512), crc32(bytes.subarray(0, 12))), true);
  await expect(open(disk)).rejects.toMatchObject({ code: 'CELL_E_UNSUPPORTED_FORMAT' });
});

test('a changed byte anywhere in the newest snapshot stops the opening, with the name of the file', async () => {
  const { disk } = await threeBatches();
  const store = await open(disk);
  await store.createSnapshot(metaAt(5, 1), chunksOf('the state of the machine'));
  await store.close();
  const file = '/data/snapshot-5-1.snap';
  for (let at = 0; at < disk.bytesOf(file).length; at += 1) {
    const damaged = disk.crash();
    const bytes = damaged.bytesOf(file);
    bytes[at] = (bytes[at] as number) ^ 0x01;
    await expect(open(damaged)).rejects.toMatchObject({ code: 'CELL_E_SNAPSHOT_DAMAGED', file });
  }
  for (let length = 0; length < disk.bytesOf(file).length; length += 1) {
    const shorter = disk.crash();
    shorter.replace(file, disk.bytesOf(file).slice(0, length));
    await expect(open(shorter)).rejects.toMatchObject({ code: 'CELL_E_SNAPSHOT_DAMAGED', file });
  }
});

test('a log that begins behind a missing snapshot is refused', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const received = await store.receiveSnapshot(metaAt(50, 1), chunksOf('theirs'));
  await store.installSnapshot(received, undefined);
  await store.close();
  await disk.remove('/data/snapshot-50-1.snap');
  await expect(open(disk)).rejects.toMatchObject({ code: 'CELL_E_SNAPSHOT_MISSING' });
});

test('after a failed write or sync the store refuses everything, with the cause', async () => {
  for (const operation of ['write', 'datasync'] as const) {
    const disk = new MemoryFileSystem();
    const store = await open(disk);
    await nextTurn();
    failOnce(disk, operation, 'EIO');
    const failing = store.append({ entries: makeEntries(2, 1, 1), hardState: undefined, sync: true });
    await expect(failing).rejects.toMatchObject({ code: 'CELL_E_DISK_FAILED', cause: { code: 'EIO' } });
    expect(store.lastIndex()).toBe(1);
    const later = store.append({ entries: makeEntries(2, 1, 1), hardState: undefined, sync: true });
    await expect(later).rejects.toMatchObject({ code: 'CELL_E_STORE_FAILED', cause: { code: 'CELL_E_DISK_FAILED' } });
    await store.close();
  }
});

test('a full disk is told by its own code, and what was acknowledged is there afterwards', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  let acknowledged = 1;
  disk.beforeEach = async (operation, name) => {
    if (operation === 'write' && !name.endsWith('00000001.wal')) throw failure('ENOSPC', name);
  };
  const filling = (async () => {
    for (;;) {
      await store.append({ entries: makeEntries(acknowledged + 1, 1, 1, 5000), hardState: undefined, sync: true });
      acknowledged += 1;
    }
  })();
  await expect(filling).rejects.toMatchObject({ code: 'CELL_E_DISK_FULL' });
  expect(acknowledged).toBeGreaterThan(5);
  await store.close();
  expect((await open(disk.crash(() => true))).lastIndex()).toBe(acknowledged);
});

test('writes that take only some of the bytes are finished', async () => {
  const disk = new MemoryFileSystem();
  disk.writeBytesMax = 1000;
  const store = await open(disk);
  await store.append({ entries: makeEntries(2, 50, 1, 100), hardState: undefined, sync: true });
  const before = contentOf(store);
  await store.close();
  expect(contentOf(await open(disk.crash(() => true)))).toEqual(before);
});

type Step =
  | { readonly kind: 'append'; readonly back: number; readonly count: number; readonly dataBytes: number }
  | { readonly kind: 'commit' | 'snapshot' | 'compact' | 'install' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      back: fc.nat(3),
      count: fc.nat(6),
      dataBytes: fc.integer({ min: 10, max: 6000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'snapshot' as const, 'compact' as const, 'install' as const),
    }),
  },
);

test('after a loss of power at any moment the store holds what was acknowledged, or one step more', async () => {
  const run = fc.tuple(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(200), fc.infiniteStream(fc.boolean()));
  await fc.assert(
    fc.asyncProperty(run, async ([steps, stopAfter, chances]) => {
      const disk = new MemoryFileSystem();
      let acknowledged = '';
      let next = '';
      const first = await open(disk);
      acknowledged = next = summary(first);
      const held = stopAt(disk, stopAfter);
      const work = (async () => {
        const store = first;
        for (const one of steps) {
          next = await predicted(store, one);
          await carryOut(store, one);
          acknowledged = summary(store);
        }
      })();
      await Promise.race([work, held]);
      const expected = [acknowledged, next];
      const crashed = disk.crash(() => chances.next().value as boolean);
      expect(expected).toContain(summary(await open(crashed)));
    }),
    { numRuns: 500 },
  );
}, 60_000);

test('a loss of power at each single moment of beginning a new segment loses nothing', async () => {
  for (const lost of [() => false, () => true]) {
    for (let stopAfter = 0, finished = false; !finished; stopAfter += 1) {
      const disk = new MemoryFileSystem();
      const store = await open(disk);
      await nextTurn();
      const held = stopAt(disk, stopAfter);
      let acknowledged = 1;
      const work = (async () => {
        for (let i = 0; i < 14; i += 1) {
          const entries = makeEntries(acknowledged + 1, 1, 1, 10_000);
          await store.append({ entries, hardState: undefined, sync: true });
          acknowledged += 1;
        }
        finished = true;
      })();
      await Promise.race([work, held]);
      const expected = acknowledged;
      const crashed = disk.crash(lost);
      const again = await open(crashed);
      expect([expected, expected + 1]).toContain(again.lastIndex());
      await again.append({
        entries: makeEntries(again.lastIndex() + 1, 9, 2, 10_000),
        hardState: undefined,
        sync: true,
      });
      expect((await open(crashed.crash(() => true))).lastIndex()).toBe(again.lastIndex());
    }
  }
});

/** What must survive: term, vote, the log behind the snapshot, and the snapshot, told by its members. The commit may lag. */
function summary(store: LogStore): string {
  const { hardState, conf } = store.initialState();
  const entries = contentOf(store).entries.filter((text) => Number(text.split(' ')[0]) > snapshotIndex(store));
  return JSON.stringify([conf.voters, hardState.term, hardState.vote, store.lastIndex(), entries]);
}

function snapshotIndex(store: LogStore): number {
  try {
    return store.snapshot().meta.index;
  } catch {
    return 1;
  }
}

/** The summary after the step, by carrying it out on a copy in memory. */
async function predicted(store: LogStore, one: Step): Promise<string> {
  const copy = new MemoryLogStore({ bootstrap: FOUNDERS });
  const index = snapshotIndex(store);
  const meta = { index, term: store.term(index), conf: store.initialState().conf };
  await copy.installSnapshot(await copy.receiveSnapshot(meta, chunksOf('')), store.initialState().hardState);
  const entries = store.lastIndex() > index ? store.entries(index + 1, store.lastIndex() + 1, 1e9) : [];
  await copy.append({ entries, hardState: store.initialState().hardState, sync: true });
  await carryOut(copy, one);
  return summary(copy);
}

async function carryOut(store: LogStore, one: Step): Promise<void> {
  const { hardState } = store.initialState();
  const last = store.lastIndex();
  switch (one.kind) {
    case 'append': {
      const first = Math.max(last + 1 - one.back, hardState.commit + 1, snapshotIndex(store) + 1);
      const term = hardState.term + (one.back > 0 ? 1 : 0);
      const entries = makeEntries(first, one.count, term, one.dataBytes);
      return store.append({ entries, hardState: { ...hardState, term, vote: one.back }, sync: true });
    }
    case 'commit':
      return store.append({ entries: [], hardState: { ...hardState, commit: last }, sync: false });
    case 'snapshot': {
      if (hardState.commit <= snapshotIndex(store)) return;
      const meta = metaAt(hardState.commit, store.term(hardState.commit), [hardState.commit, hardState.term]);
      await store.createSnapshot(meta, chunksOf(`state at ${meta.index}`));
      return;
    }
    case 'compact':
      return store.compact(snapshotIndex(store));
    case 'install': {
      const meta = metaAt(last + 5, hardState.term, [last, hardState.term, 3]);
      const received = await store.receiveSnapshot(meta, chunksOf('theirs'));
      return store.installSnapshot(received, { ...hardState, commit: meta.index, vote: 3 });
    }
  }
}

const forever = Promise.withResolvers<void>().promise;

/** Lets `count` operations through and holds all later ones for ever, as a power cut does; resolves at the first. */
function stopAt(disk: MemoryFileSystem, count: number): Promise<void> {
  let left = count;
  return new Promise((resolve) => {
    disk.beforeEach = () => {
      left -= 1;
      if (left >= 0) return undefined;
      resolve();
      return forever;
    };
  });
}

function failOnce(disk: MemoryFileSystem, operation: Operation, code: string): void {
  disk.beforeEach = async (called, name) => {
    if (called !== operation) return;
    disk.beforeEach = undefined;
    throw failure(code, name);
  };
}
