import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NEW_RECORD } from '../reconcile/model.ts';
import { desiredOf } from '../testing/desired.ts';
import { AgentStore, type StoredAllocation } from './agent-store.ts';

let folder: string;
const stored: StoredAllocation = { desired: desiredOf(), released: false, record: NEW_RECORD, endedAtMs: null };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function reopened<T>(use: (store: AgentStore) => Promise<T> | T): Promise<T> {
  const store = await AgentStore.open(folder);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const problem = (error: unknown): string => `${(error as { code: string }).code}: ${(error as Error).message}`;

test('AgentStore makes the id of the node once and keeps all it is given', async () => {
  const nodeId = await reopened(async (store) => {
    await store.saveNode({ ...store.node, clusterId: 'c', generation: 7 });
    await store.saveAllocation(stored);
    await store.saveAllocation({ ...stored, desired: desiredOf({ id: 'b' }) });
    await store.removeAllocation('b');
    await store.saveLease({ bootId: 'x', sentAtMs: 1.5, leaseMs: 10_000 });
    return store.node.nodeId;
  });
  expect(nodeId).toMatch(/^[0-9a-f-]{36}$/);
  await reopened(async (store) => {
    expect(store.node).toEqual({ nodeId, clusterId: 'c', generation: 7 });
    expect(await store.loadAllocations()).toEqual([stored]);
    expect(await store.loadLease()).toEqual({ bootId: 'x', sentAtMs: 1.5, leaseMs: 10_000 });
  });
});

test('AgentStore keeps what it holds from others', async () => {
  await reopened((store) => store.saveAllocation(stored));
  expect((await stat(join(folder, 'state'))).mode & 0o077).toBe(0);
  expect((await stat(join(folder, 'state', 'allocations', 'a.json'))).mode & 0o777).toBe(0o600);
});

test('AgentStore writes of one file come in the order in which they were asked for', async () => {
  await reopened(async (store) => {
    const counts = Array.from({ length: 20 }, (_, generation) => generation);
    await Promise.all(counts.map((generation) => store.saveNode({ ...store.node, generation })));
  });
  await reopened((store) => expect(store.node.generation).toBe(19));
});

test.each<[string, (path: string) => Promise<unknown>, string]>([
  ['cut off', (path) => truncate(path, 40), 'it is cut off or was changed'],
  ['empty', (path) => truncate(path, 0), 'it is empty'],
  [
    'changed',
    async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"generation":0', '"generation":1')),
    'its checksum does not fit its content',
  ],
  [
    'of another format',
    async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"format":1', '"format":2')),
    'its format "2" is not known',
  ],
  ['something else', (path) => writeFile(path, '[]'), 'its format "0" is not known'],
])('AgentStore.open() refuses a file that is %s, and names it', async (_, damage, what) => {
  await reopened(() => undefined);
  const path = join(folder, 'state', 'node.json');
  await damage(path);
  await expect(reopened(() => undefined).catch(problem)).resolves.toBe(
    `CELL_E_STATE_DAMAGED: Could not use the file "${path}": ${what}; ` +
      'restore it, or move the data folder away: this node then joins anew, and stops what it runs',
  );
});

test('AgentStore.loadAllocations() refuses a damaged one', async () => {
  await reopened((store) => store.saveAllocation(stored));
  await truncate(join(folder, 'state', 'allocations', 'a.json'), 100);
  const found = await reopened((store) => store.loadAllocations().catch(problem));
  expect(found).toMatch(/^CELL_E_STATE_DAMAGED: Could not use the file ".*a\.json": it is cut off/);
});

test('a data folder has one agent at a time, and one that was killed holds up nobody', async () => {
  await reopened(async () => {
    const found = await AgentStore.open(folder).catch(problem);
    expect(found).toBe(
      `CELL_E_DATA_IN_USE: Could not use the data folder "${folder}": another agent (process ${process.pid}) uses it; ` +
        'end that one, or set another "data"',
    );
  });
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  // The id of this process, but another start: as if a killed agent's id had been given to us.
  await writeFile(join(folder, 'lock'), `${process.pid} 1 ${boot}\n`);
  await reopened(() => undefined);
  expect((await readdir(folder)).filter((name) => name.startsWith('lock'))).toEqual([]);
});

test('a data folder that can not be made is refused', async () => {
  await writeFile(join(folder, 'file'), '');
  const found = await AgentStore.open(join(folder, 'file', 'data')).catch(problem);
  expect(found).toMatch(/^CELL_E_DATA_UNUSABLE: Could not use the data folder ".*": ENOTDIR/);
});

test('a file that is nested deeper than anything that was written is damaged', async () => {
  await reopened(() => undefined);
  const nested = '['.repeat(100_000) + ']'.repeat(100_000);
  await writeFile(join(folder, 'state', 'node.json'), `{"format":1,"checksum":"","content":${nested}}`);
  expect(await AgentStore.open(folder).catch(problem)).toMatch(/^CELL_E_STATE_DAMAGED: .*was changed/);
});
