import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdentityStore } from './identity-store.ts';
import { newIdentity, parseIdentity, renderIdentity } from './member-identity.ts';

let folder: string;
const opened: IdentityStore[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'cell-identity-')), 'data');
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

async function open(memberId = 1, cluster = 'c'): Promise<IdentityStore> {
  const store = await IdentityStore.open({ folder, memberId, cluster, incarnation: () => 'made' });
  opened.push(store);
  return store;
}

async function close(): Promise<void> {
  await opened.pop()!.close();
}

/** A log that was used. */
function makeLog(): void {
  mkdirSync(join(folder, 'raft'), { recursive: true });
  writeFileSync(join(folder, 'raft', 'log-00000001.wal'), 'log');
}

test('an empty folder gets a name of its own, which it keeps, and which only its owner can read', async () => {
  expect((await open()).identity).toEqual(newIdentity(1, 'c', 'made'));
  await close();
  const store = await IdentityStore.open({ folder, memberId: 1, cluster: 'c', incarnation: () => 'another' });
  opened.push(store);
  expect(store.identity.incarnation).toBe('made');
  expect(statSync(join(folder, 'identity.json')).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test('what is stored is there after a restart; a change that throws stores nothing', async () => {
  const store = await open();
  await store.update((own) => ({ ...own, clusterId: 'x' }));
  const refused = store.update(() => {
    throw new Error('No');
  });
  await expect(refused).rejects.toThrow('No');
  await close();
  expect((await open()).identity.clusterId).toBe('x');
});

test('changes that come at once are made one after the other', async () => {
  const store = await open();
  await Promise.all(
    ['a', 'b', 'c'].map((id) => store.update((own) => ({ ...own, formerClusterIds: [...own.formerClusterIds, id] }))),
  );
  expect(store.identity.formerClusterIds).toEqual(['a', 'b', 'c']);
});

test('two processes never have the same folder', async () => {
  await open();
  await expect(open()).rejects.toMatchObject({ code: 'CELL_E_DIRECTORY_IN_USE' });
});

test('the folder of another member or another cluster is refused, and both are named', async () => {
  await open();
  await close();
  const message = /member "1" of cluster "c".*member "2" of cluster "c"/;
  await expect(open(2)).rejects.toMatchObject({ code: 'CELL_E_FOREIGN_DATA', message: expect.stringMatching(message) });
  await expect(open(1, 'd')).rejects.toMatchObject({ code: 'CELL_E_FOREIGN_DATA' });
});

test('a log without an identity, and an identity without its log, are refused', async () => {
  makeLog();
  await expect(open()).rejects.toMatchObject({
    code: 'CELL_E_DATA_LOST',
    message: expect.stringMatching('identity.json'),
  });
  rmSync(join(folder, 'raft'), { recursive: true });
  const store = await open();
  await store.update((own) => ({ ...own, clusterId: 'x', logMade: true }));
  await close();
  await expect(open()).rejects.toMatchObject({
    code: 'CELL_E_DATA_LOST',
    message: expect.stringMatching('lost its log'),
  });
  makeLog();
  await open();
});

test('a member that was removed never starts again with its data', async () => {
  const store = await open();
  await store.update((own) => ({ ...own, removed: true }));
  await close();
  await expect(open()).rejects.toMatchObject({ code: 'CELL_E_REMOVED' });
});

test('a file that was changed, cut off or emptied is refused, never taken for a new folder', async () => {
  await open();
  await close();
  const file = join(folder, 'identity.json');
  const text = readFileSync(file, 'utf8');
  for (const damage of [
    '',
    text.slice(0, 40),
    text.replace('"made"', '"fake"'),
    text.replace('"format":1', '"format":9'),
  ]) {
    writeFileSync(file, damage);
    await expect(open()).rejects.toMatchObject({
      code: 'CELL_E_IDENTITY_DAMAGED',
      message: expect.stringMatching(file),
    });
  }
  writeFileSync(file, text);
  await open();
});

test('an identity is read as it was written', () => {
  const members = [{ id: 1, grpc: 'g:1', peers: 'p:1', http: 'h:1', incarnation: 'i' }];
  const identity = { ...newIdentity(1, 'c', 'i'), clusterId: 'x', origin: 'founded', members } as const;
  expect(parseIdentity(renderIdentity(identity), 'file')).toEqual(identity);
});

test('an identity that is nested deeper than anything that was written is damaged', () => {
  const nested = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(() => parseIdentity(`{"format":1,"checksum":"","content":${nested}}`, 'file')).toThrow(
    expect.objectContaining({ code: 'CELL_E_IDENTITY_DAMAGED' }),
  );
});
