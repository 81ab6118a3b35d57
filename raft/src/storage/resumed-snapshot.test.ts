/** Snapshots that arrive in several attempts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LogStore, type SnapshotData, SnapshotMismatch } from '../driver/ports.ts';
import { chunksOf, FOUNDERS, makeEntries, metaAt, textOf } from './log-store-suite.ts';
import { contentOf, MemoryLogStore } from './memory-log-store.ts';
import { openLogStore } from './open-log-store.ts';
import { failure, MemoryFileSystem } from './testing/memory-file-system.ts';

const TEXT = 'what the snapshot holds '.repeat(40_000);
const META = metaAt(90, 2);

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

interface Attempt {
  from: number;
}

/** Data that breaks off after `bytes` more; notes from where on it was read. */
function breaking(text: string, bytes: number, attempts: Attempt[]): SnapshotData {
  const whole = contentOf(Buffer.from(text));
  const content = whole.content!;
  async function* readFrom(from: number): AsyncGenerator<Uint8Array> {
    attempts.push({ from });
    let left = bytes;
    for await (const chunk of content.readFrom(from)) {
      if (chunk.length > left) {
        yield chunk.subarray(0, left);
        throw new Error('Peer is gone');
      }
      left -= chunk.length;
      yield chunk;
    }
  }
  return { [Symbol.asyncIterator]: () => readFrom(0), content: { ...content, readFrom } };
}

async function partials(disk: MemoryFileSystem): Promise<readonly string[]> {
  return (await disk.list('/data')).filter((name) => name.endsWith('.partial'));
}

async function installed(store: LogStore): Promise<string> {
  await store.installSnapshot({ meta: META, data: new Uint8Array(0) }, undefined);
  return textOf(store.readSnapshot(store.snapshot()));
}

test('broken at random bytes, with restarts and losses of power between: it goes on where it stopped, and arrives whole', async () => {
  const breaks = fc.array(
    fc.record({ bytes: fc.integer({ min: 0, max: TEXT.length }), next: fc.constantFrom('go on', 'restart', 'power') }),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(breaks, fc.infiniteStream(fc.boolean()), async (attempts, chances) => {
      let disk = new MemoryFileSystem();
      let store = await open(disk);
      const seen: Attempt[] = [];
      let have = 0;
      for (const { bytes, next } of attempts) {
        if (have + bytes >= TEXT.length) break;
        await expect(store.receiveSnapshot(META, breaking(TEXT, bytes, seen))).rejects.toThrow('Peer is gone');
        const from = seen.at(-1)!.from;
        // What was not synced may be gone with the power, and nothing else.
        if (next === 'power') expect(from).toBeLessThanOrEqual(have);
        else if (attempts.every((one) => one.next !== 'power')) expect(from).toBe(have);
        have = from + bytes;
        if (next === 'go on') continue;
        await store.close();
        disk = next === 'restart' ? disk.crash() : disk.crash(() => chances.next().value as boolean);
        store = await open(disk);
      }
      await store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
      expect((await installed(store)) === TEXT).toBe(true);
      expect(await partials(disk)).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 60_000);

test.each(['file', 'memory'])('in the store in a %s, the next attempt asks for what is missing only', async (kind) => {
  const store = kind === 'file' ? await open(new MemoryFileSystem()) : new MemoryLogStore({ bootstrap: FOUNDERS });
  const seen: Attempt[] = [];
  for (const bytes of [100_000, 200_000]) {
    await expect(store.receiveSnapshot(META, breaking(TEXT, bytes, seen))).rejects.toThrow('Peer is gone');
  }
  await store.receiveSnapshot(META, breaking(TEXT, TEXT.length, seen));
  expect(seen.map(({ from }) => from)).toEqual([0, 100_000, 300_000]);
  expect((await installed(store)) === TEXT).toBe(true);
});

test('another snapshot begins anew, and what came of the one before is removed', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const seen: Attempt[] = [];
  await expect(store.receiveSnapshot(META, breaking(TEXT, 300_000, seen))).rejects.toThrow();
  const before = await partials(disk);
  // At the same place, but with other content, as after a change of the program that made it.
  const other = TEXT.replace('what', 'that');
  await expect(store.receiveSnapshot(META, breaking(other, 300_000, seen))).rejects.toThrow();
  expect(seen.map(({ from }) => from)).toEqual([0, 0]);
  const now = await partials(disk);
  expect([now.length, before.length, now[0] === before[0]]).toEqual([1, 1, false]);
  const newer = metaAt(95, 2);
  await store.receiveSnapshot(newer, contentOf(Buffer.from('newer')));
  expect(await partials(disk)).toEqual([]);
});

test('what is not what was announced is refused, removed, and begun anew; the store works on', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const { content } = contentOf(Buffer.from(TEXT));
  const lies: Partial<NonNullable<SnapshotData['content']>>[] = [
    { checksum: 1 },
    { sizeBytes: TEXT.length - 1 },
    { sizeBytes: TEXT.length + 1 },
  ];
  for (const lie of lies) {
    const data = { ...contentOf(Buffer.from(TEXT)), content: { ...content!, ...lie } };
    await expect(store.receiveSnapshot(META, data)).rejects.toThrow(SnapshotMismatch);
    expect(await partials(disk)).toEqual([]);
  }
  await store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
  expect((await installed(store)) === TEXT).toBe(true);
});

test('a bit that changed in what had come is noticed: from there on it is fetched again', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const seen: Attempt[] = [];
  await expect(store.receiveSnapshot(META, breaking(TEXT, 600_000, seen))).rejects.toThrow();
  const bytes = disk.bytesOf(`/data/${(await partials(disk))[0]}`);
  bytes[400_000] = bytes[400_000]! ^ 1;
  await store.receiveSnapshot(META, breaking(TEXT, TEXT.length, seen));
  expect(seen.at(-1)?.from).toBe(256 * 1024);
  expect((await installed(store)) === TEXT).toBe(true);
});

test('without room, nothing of it stays on the disk; the next attempt begins anew', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await nextTurn();
  let writes = 0;
  disk.beforeEach = async (operation, name) => {
    if (operation === 'write' && name.endsWith('.partial') && ++writes > 2) throw failure('ENOSPC', name);
  };
  const refused = store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
  await expect(refused).rejects.toMatchObject({ code: 'CELL_E_DISK_FULL' });
  expect(await partials(disk)).toEqual([]);
  disk.beforeEach = undefined;
  await store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
  expect((await installed(store)) === TEXT).toBe(true);
});

test('what another member serves of a stored snapshot is the same content, from any byte on', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
  await store.installSnapshot({ meta: META, data: new Uint8Array(0) }, undefined);
  const { content } = await store.openSnapshot(store.snapshot());
  expect(content).toMatchObject({ sizeBytes: TEXT.length, checksum: contentOf(Buffer.from(TEXT)).content!.checksum });
  for (const byte of [0, 1, 262_143, 262_144, 262_145, TEXT.length - 1, TEXT.length]) {
    expect((await textOf(content!.readFrom(byte))) === TEXT.slice(byte)).toBe(true);
  }
});

test('a received snapshot that is never put in force is removed once one of our own is as new', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  const received = async () => (await disk.list('/data')).filter((name) => name.endsWith('.received'));
  await store.append({ entries: makeEntries(2, 99, 2), hardState: undefined, sync: true });
  await store.receiveSnapshot(META, contentOf(Buffer.from(TEXT)));
  await store.createSnapshot(metaAt(80, 2), chunksOf('our own'));
  expect(await received()).toHaveLength(1);
  await store.createSnapshot(metaAt(95, 2), chunksOf('our own'));
  expect(await received()).toEqual([]);
});
