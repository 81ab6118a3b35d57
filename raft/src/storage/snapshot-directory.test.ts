import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeFileSystem } from './node-file-system.ts';
import { SnapshotDirectory } from './snapshot-directory.ts';

async function* data() {
  yield new Uint8Array(100);
}

test('snapshots that end at the same time do not fail for what the other has tidied up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cell-snapshots-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const directory = new SnapshotDirectory(nodeFileSystem, folder, { clusterId: 'c', nodeId: 1 });
  const metaAt = (index: number) => ({
    index,
    term: 1,
    conf: { voters: [1], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  });
  const indexes = Array.from({ length: 20 }, (_, place) => place + 1);
  await Promise.all(indexes.map((index) => directory.create(metaAt(index), data())));
  expect(await directory.recover(undefined)).toMatchObject({ index: 20 });
  expect((await nodeFileSystem.list(folder)).toSorted()).toEqual(['snapshot-19-1.snap', 'snapshot-20-1.snap']);
});
