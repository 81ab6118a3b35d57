/** One bit that changes on the disk, anywhere: it is told, or it does not matter; what is served is never wrong. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogStore } from '../driver/ports.ts';
import { chunksOf, contentOf, FOUNDERS, makeEntries, metaAt, textOf } from './log-store-suite.ts';
import { openLogStore } from './open-log-store.ts';
import { MemoryFileSystem } from './testing/memory-file-system.ts';

const CODES: Readonly<Record<string, readonly string[]>> = {
  wal: ['CELL_E_LOG_DAMAGED', 'CELL_E_FOREIGN_DATA', 'CELL_E_UNSUPPORTED_FORMAT'],
  snap: ['CELL_E_SNAPSHOT_DAMAGED', 'CELL_E_FOREIGN_DATA', 'CELL_E_UNSUPPORTED_FORMAT'],
};

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

/** Several segments, two snapshots, replaced tails, votes. */
async function grown(): Promise<MemoryFileSystem> {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  for (let round = 0; round < 40; round += 1) {
    const term = 1 + Math.floor(round / 10);
    const first = store.lastIndex() + 1 - (round % 10 === 9 ? 2 : 0);
    const hardState = { term, vote: round % 3, commit: Math.max(1, first - 3) };
    await store.append({ entries: makeEntries(first, 5, term, 900), hardState, sync: true });
    if (round === 15 || round === 30) {
      await store.createSnapshot(metaAt(first - 3, store.term(first - 3)), chunksOf(`state ${round} `.repeat(9_000)));
      await store.compact(first - 20);
    }
  }
  await store.close();
  return disk;
}

async function served(store: LogStore): Promise<unknown> {
  const snapshot = store.snapshot();
  return { log: contentOf(store), meta: snapshot.meta, data: await textOf(store.readSnapshot(snapshot)) };
}

test('a flipped bit is told with its code, file and place, or changes nothing of what is served', async () => {
  const disk = await grown();
  const files = (await disk.list('/data')).filter((name) => /\.(wal|snap)$/.test(name));
  expect(files.filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(2);
  const right = await served(await open(disk.crash()));
  const seen = { told: 0, harmless: 0 };
  // Half of them where frames are: most of the rest of the last segment is zeros.
  const place = fc.record({
    file: fc.constantFrom(...files),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    bit: fc.nat(7),
  });
  await fc.assert(
    fc.asyncProperty(place, async ({ file, at, bit }) => {
      const damaged = disk.crash();
      const bytes = damaged.bytesOf(`/data/${file}`);
      const used = bytes.findLastIndex((byte) => byte !== 0) + 64;
      const offset = Math.floor(at * Math.min(used, bytes.length));
      bytes[offset] = bytes[offset]! ^ (1 << bit);
      const opening = open(damaged);
      const error = await opening.then(
        () => undefined,
        (reason: unknown) => reason as { code: string; file?: string; message: string },
      );
      if (error === undefined) {
        expect(await served(await opening)).toEqual(right);
        seen.harmless += 1;
        return;
      }
      expect(CODES[file.split('.').at(-1)!]).toContain(error.code);
      expect(error.message).toContain(`"/data/${file}"`);
      if (error.code.endsWith('DAMAGED')) expect(error.message).toMatch(/at byte \d+: .*cellctl control-plane add/);
      seen.told += 1;
    }),
    { numRuns: 400 },
  );
  expect(seen.told).toBeGreaterThan(100);
  expect(seen.harmless).toBeGreaterThan(10);
}, 60_000);
