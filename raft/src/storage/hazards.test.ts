/** Known hazards and published defects of storage: see HAZARDS.md. */
import { expect, test } from 'vitest';
import type { LogStore } from '../driver/ports.ts';
import { chunksOf, FOUNDERS, makeEntries, metaAt } from './log-store-suite.ts';
import { openLogStore } from './open-log-store.ts';
import { MemoryFileSystem } from './testing/memory-file-system.ts';

function open(fileSystem: MemoryFileSystem): Promise<LogStore> {
  return openLogStore({
    directory: '/data',
    identity: { clusterId: 'c', nodeId: 1 },
    bootstrap: FOUNDERS,
    segmentBytes: 64 * 1024,
    fileSystem,
    lock: async () => async () => undefined,
    onTornTail: () => undefined,
  });
}

test('NATS 2.12.1: a loss of power right after any acknowledgement takes nothing back', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  for (let index = 2; index < 40; index += 1) {
    await store.append({
      entries: makeEntries(index, 1, 1, 3000),
      hardState: { term: 1, vote: 1, commit: index - 1 },
      sync: true,
    });
    // No timer and no later write has had a chance to sync what this one left.
    const again = await open(disk.crash(() => true));
    expect(again.lastIndex()).toBe(index);
    expect(again.initialState().hardState).toMatchObject({ term: 1, vote: 1 });
  }
});

test('hazard 3: a commit index that was not synced may be lost, and takes neither log nor membership with it', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await store.append({ entries: makeEntries(2, 20, 1, 100), hardState: { term: 1, vote: 1, commit: 1 }, sync: true });
  const meta = metaAt(12, 1, [1, 2, 3, 4]);
  await store.createSnapshot(meta, chunksOf('state at 12'));
  await store.append({ entries: [], hardState: { term: 1, vote: 1, commit: 20 }, sync: false });
  for (const lost of [true, false]) {
    const again = await open(disk.crash(() => lost));
    const { hardState, conf } = again.initialState();
    expect([12, 20]).toContain(hardState.commit);
    // The membership is the snapshot's, whose index is what the state machine starts from.
    expect(conf.voters).toEqual([1, 2, 3, 4]);
    expect(again.snapshot().meta).toEqual(meta);
    expect(again.lastIndex()).toBe(21);
  }
});

test('etcd 3.5 post-mortem: the index, term and membership in a snapshot can not change without its being refused', async () => {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  await store.append({ entries: makeEntries(2, 20, 1, 100), hardState: { term: 1, vote: 1, commit: 20 }, sync: true });
  await store.createSnapshot(metaAt(12, 1), chunksOf('state at 12'));
  await store.close();
  const name = (await disk.list('/data')).find((file) => file.endsWith('.snap')) ?? '';
  const whole = disk.bytesOf(`/data/${name}`).slice();
  // A state machine can't be told that it is further than its data, nor that others are its members.
  for (const at of whole.keys()) {
    const changed = whole.slice();
    changed[at] = (changed[at] as number) ^ 1;
    const damaged = disk.crash();
    damaged.replace(`/data/${name}`, changed);
    await expect(open(damaged), `byte ${at}`).rejects.toMatchObject({ code: expect.stringMatching(/^CELL_E_/) });
  }
});
