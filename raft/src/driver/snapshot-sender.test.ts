import { expect, test } from 'vitest';
import type { Message, NodeId } from '../core/index.ts';
import { openLogStore } from '../storage/index.ts';
import { chunksOf, FOUNDERS, makeEntries, metaAt } from '../storage/log-store-suite.ts';
import { MemoryFileSystem } from '../storage/testing/memory-file-system.ts';
import type { LogStore, SnapshotData } from './ports.ts';
import { SnapshotSender } from './snapshot-sender.ts';

function sendOne(store: LogStore, sendSnapshot: (data: SnapshotData) => Promise<void>) {
  const failures: Error[] = [];
  const reported = new Promise<readonly [NodeId, boolean]>((resolve) => {
    const sender = new SnapshotSender({
      store,
      transport: { send: () => undefined, sendSnapshot: (_, data) => sendSnapshot(data) },
      report: (peer, accepted) => resolve([peer, accepted]),
      onError: (error) => {
        failures.push(error);
        resolve([0, false]);
      },
    });
    sender.send({ type: 'snapshot', from: 1, to: 2, term: 1, snapshot: store.snapshot() } as Message);
  });
  return { failures, reported };
}

async function storeWithSnapshot(disk: MemoryFileSystem): Promise<LogStore> {
  const store = await openLogStore({
    directory: '/data',
    identity: { clusterId: 'c', nodeId: 1 },
    bootstrap: FOUNDERS,
    segmentBytes: 64 * 1024,
    fileSystem: disk,
    lock: async () => async () => undefined,
  });
  await store.append({ entries: makeEntries(2, 20, 1), hardState: undefined, sync: true });
  await store.createSnapshot(metaAt(4, 1), chunksOf('first'));
  return store;
}

test('a peer that takes so long to answer that newer snapshots have come costs this attempt, and not the member', async () => {
  const store = await storeWithSnapshot(new MemoryFileSystem());
  const { failures, reported } = sendOne(store, async ({ content }) => {
    for (const index of [8, 12, 16]) await store.createSnapshot(metaAt(index, 1), chunksOf('newer'));
    for await (const _ of content!.readFrom(0));
  });
  expect(await reported).toEqual([2, false]);
  expect(failures).toEqual([]);
  // The next attempt is of the newest.
  const { reported: again } = sendOne(store, async ({ content }) => {
    for await (const _ of content!.readFrom(0));
  });
  expect(await again).toEqual([2, true]);
});

test('a snapshot of our own that is damaged stops the member instead of being reported lost', async () => {
  const disk = new MemoryFileSystem();
  const store = await storeWithSnapshot(disk);
  const { failures, reported } = sendOne(store, async ({ content }) => {
    const bytes = disk.bytesOf('/data/snapshot-4-1.snap');
    bytes[bytes.length - 23]! ^= 1;
    for await (const _ of content!.readFrom(0));
  });
  await reported;
  expect(failures).toEqual([expect.objectContaining({ code: 'CELL_E_SNAPSHOT_DAMAGED' })]);
});
