/** What is kept of an identity, and what is done about it when that can't be used or written. */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, rmdir, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdentityFolder, type StoredIdentity } from './stored-identity.ts';
import { FakeAuthority } from './testing/fake-authority.ts';

let data: string;
let path: string;
let folder: IdentityFolder;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'cell-stored-'));
  path = join(data, 'identity', 'identity.json');
  folder = new IdentityFolder(data);
});
afterEach(() => rm(data, { recursive: true }));

function certified(subject = 'cell:node:n1'): StoredIdentity {
  const authority = new FakeAuthority();
  return { ...authority.credentials(subject), trust: [authority.certificate], obtainedAtMs: 1, lifetimeMs: 2 };
}

const failure = (nodeId = 'n1'): Promise<string> =>
  folder.open(nodeId).then(
    () => 'none',
    (error: Error & { code: string }) => `${error.code}: ${error.message}`.replaceAll(data, 'DATA'),
  );
const ADVICE =
  'restore it, or move it away and give this machine a new token ("cellctl token create --role agent"): it joins anew';

test('the key of the first start is that of all that follow', async () => {
  const first = await folder.open('n1');
  expect(await folder.open('n1')).toEqual(first);
  expect(first).toMatchObject({ chain: '', trust: [] });
});

test('what is stored comes back', async () => {
  const identity = certified();
  await folder.open('n1');
  await folder.save(identity);
  expect(await folder.open('n1')).toEqual(identity);
});

test('rights that were opened up are closed again', async () => {
  await folder.open('n1');
  await chmod(join(data, 'identity'), 0o777);
  await folder.open('n1');
  expect((await stat(join(data, 'identity'))).mode & 0o777).toBe(0o700);
});

test('a file that was cut off is refused with what to do', async () => {
  await folder.open('n1');
  await truncate(path, 100);
  const why = 'it is cut off or was changed';
  expect(await failure()).toBe(
    `CELL_E_STATE_DAMAGED: Could not use the file "DATA/identity/identity.json": ${why}; ${ADVICE}`,
  );
});

test('a single wrong character is noticed', async () => {
  await folder.open('n1');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('PRIVATE', 'PR1VATE'));
  expect(await failure()).toContain('its checksum does not fit its content');
});

test.each<[string, () => StoredIdentity, string]>([
  [
    'of another node',
    () => certified('cell:node:n2'),
    'its certificate is for node "n2", and the data folder is that of',
  ],
  [
    'of a member',
    () => certified('cell:member:1'),
    'its certificate is for member "1", and the data folder is that of',
  ],
  ['for another key', () => ({ ...certified(), privateKey: otherKey() }), 'its certificate is not for its key'],
  ['that is none', () => ({ ...certified(), chain: 'nonsense' }), 'what it holds is no key or no certificate'],
])('a certificate %s is refused', async (_what, identity, why) => {
  await folder.open('n1');
  await folder.save(identity());
  expect(await failure()).toContain(
    `CELL_E_STATE_DAMAGED: Could not use the file "DATA/identity/identity.json": ${why}`,
  );
});

test('a disk that takes no key ends the start: a key that is lost could not be joined with again', async () => {
  await mkdir(`${path}.new`, { recursive: true });
  expect(await failure()).toMatch(
    /^CELL_E_DATA_UNUSABLE: Could not use the folder "DATA\/identity": .*; make room, or/,
  );
  await rmdir(`${path}.new`);
  expect(await failure()).toBe('none');
});

function otherKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
