/** Where secrets lie, how they come there, and who may see them. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeMember, FakeRefusal } from '../link/testing/fake-member.ts';
import { plainSecurity } from '../link/testing/plain-security.ts';
import { fetchSecrets } from './fetch-secrets.ts';
import { type FetchedSecrets, SecretFolders } from './secret-folders.ts';
import { openSecretRoot } from './secret-root.ts';

let folder: string;
let root: string;
let members: FakeMember[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-secrets-'));
  root = join(folder, 'root');
  members = [];
});
afterEach(async () => {
  for (const member of members) member.close();
  await rm(folder, { recursive: true });
});

function foldersThatFetch(...answers: FetchedSecrets[]): SecretFolders {
  return new SecretFolders(root, () => Promise.resolve(answers.shift()!));
}

const given = (values: Record<string, string>): FetchedSecrets => ({
  values: Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Buffer.from(text)])),
});

test('values are files that only their owner reads, and those from before are gone', async () => {
  const folders = foldersThatFetch(given({ one: '1', other: 'not asked for' }), given({ two: '2' }));
  await folders.prepare('a', ['one']);
  expect(await readdir(folders.folder('a'))).toEqual(['one']);
  expect((await stat(folders.folder('a'))).mode & 0o777).toBe(0o700);
  expect((await stat(join(folders.folder('a'), 'one'))).mode & 0o777).toBe(0o600);
  await folders.prepare('a', ['two']);
  expect(await readdir(folders.folder('a'))).toEqual(['two']);
  expect(await readdir(root)).toEqual(['a']);
});

test('bytes are kept as they are', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  await foldersThatFetch({ values: { key: bytes } }).prepare('a', ['key']);
  expect((await readFile(join(root, 'a', 'key'))).equals(bytes)).toBe(true);
});

test.each(['../escaped', 'a/b', '..', '.', '__proto__', ''])('the name "%s" is written nowhere', async (name) => {
  const folders = foldersThatFetch(given({ [name]: '1' }));
  await expect(folders.prepare('a', [name])).rejects.toThrow('Could not get the secrets of allocation "a"');
  expect(await readdir(folder)).toEqual([]);
});

test.each(['.hidden', 'key@host', 'a+b', '-', 'x'.repeat(64)])(
  'a job may ask for the name "%s", so it is written',
  async (name) => {
    await foldersThatFetch(given({ [name]: '1' })).prepare('a', [name]);
    expect(await readdir(join(root, 'a'))).toEqual([name]);
  },
);

test('earlier values serve only while nobody answers, and only if all are there', async () => {
  const problem = 'nobody there';
  const away = { problem, decided: false };
  const folders = foldersThatFetch(given({ one: '1' }), away, away, { problem: 'it is revoked', decided: true });
  await folders.prepare('a', ['one']);
  await folders.prepare('a', ['one']);
  await expect(folders.prepare('a', ['one', 'two'])).rejects.toThrow(problem);
  await expect(folders.prepare('a', ['one'])).rejects.toThrow('it is revoked');
});

test('the folder of all goes with the last of them', async () => {
  const folders = foldersThatFetch(given({ one: '1' }), given({ one: '1' }));
  await folders.prepare('a', ['one']);
  await folders.prepare('b', ['one']);
  await folders.remove('a');
  expect(await readdir(root)).toEqual(['b']);
  await folders.retain(new Set());
  expect(await readdir(folder)).toEqual([]);
});

test('what comes when the allocation has ended already is not kept', async () => {
  const answers: ((fetched: FetchedSecrets) => void)[] = [];
  const fetch = () =>
    new Promise<FetchedSecrets>((resolve) => {
      answers.push(resolve);
    });
  const folders = new SecretFolders(root, fetch);
  const late = folders.prepare('a', ['one']);
  await folders.remove('a');
  answers[0]!(given({ one: '1' }));
  await expect(late).rejects.toThrow('it has ended meanwhile');
  expect(await readdir(folder)).toEqual([]);
});

test('values that are being written when the allocation ends are gone with it', async () => {
  for (let turn = 0; turn < 20; turn += 1) {
    const folders = foldersThatFetch(given({ one: '1' }));
    const written = folders.prepare('a', ['one']).catch(() => undefined);
    for (let step = 0; step < turn; step += 1) await nextTurn();
    await Promise.all([folders.remove('a').catch(() => undefined), written]);
    expect(await readdir(folder)).toEqual([]);
  }
});

test('what a crash left half written is neither used nor in the way', async () => {
  await mkdir(join(root, 'a.new'), { recursive: true });
  const folders = foldersThatFetch(given({ one: '1' }));
  await folders.prepare('a', ['one']);
  expect(await readdir(root)).toEqual(['a']);
});

test('the process runtime keeps them in memory where it can, and the same place again', async () => {
  const settings = { runtime: 'process', data: folder, environment: {} } as const;
  const root = await openSecretRoot(settings);
  try {
    expect(await openSecretRoot(settings)).toEqual(root);
    const other = await openSecretRoot({ ...settings, data: join(folder, 'other') });
    expect(other.path).not.toBe(root.path);
    await rm(other.path, { recursive: true });
    expect(root.path.startsWith(folder)).toBe(!root.volatile);
  } finally {
    await rm(root.path, { recursive: true, force: true });
  }
});

test('a place that another one could have laid out is not used', async () => {
  const settings = { runtime: 'process', data: folder, environment: {} } as const;
  const { path, volatile } = await openSecretRoot(settings);
  try {
    if (!volatile) return;
    await chmod(path, 0o777);
    expect((await openSecretRoot(settings)).path).not.toBe(path);
    await rm(path, { recursive: true });
    await symlink(folder, path);
    expect((await openSecretRoot(settings)).path).not.toBe(path);
  } finally {
    await rm(path, { recursive: true, force: true });
    for (const place of ['/run', '/dev/shm'])
      await rm(path.replace(/^.*(?=\/)/, place), { recursive: true, force: true });
  }
});

async function memberThat(answers: FakeMember['secrets']): Promise<FakeMember> {
  const member = new FakeMember('m', []);
  member.secrets = answers;
  await member.listen();
  members.push(member);
  return member;
}

test('any member is asked, one after the other', async () => {
  const asked: string[] = [];
  const gone = await memberThat(() => ({}));
  gone.close();
  const here = await memberThat(({ allocationId }) => {
    asked.push(allocationId);
    return { one: Buffer.from('1') };
  });
  const all = { client: undefined, member: '', addresses: [gone.address, here.address] };
  const fetched = await fetchSecrets(all, plainSecurity, 'a');
  expect(fetched).toEqual({ values: { one: Buffer.from('1') } });
  expect(asked).toEqual(['a']);
});

test.each([
  ['CELL_E_NOT_FOUND', true],
  ['CELL_E_FORBIDDEN', true],
  ['CELL_E_NO_LEADER', false],
])('a refusal with %s is decided: %s', async (code, decided) => {
  const member = await memberThat(() => {
    throw new FakeRefusal(5, code, 'There is no secret "database"');
  });
  const one = { client: undefined, member: '', addresses: [member.address] };
  expect(await fetchSecrets(one, plainSecurity, 'a')).toEqual({ problem: 'There is no secret "database"', decided });
});
