import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeToken, tokenText } from '@cell/identity';
import { connect, Role } from '@cell/sdk';
import { type FakeHandlers, makeFakeCluster, startFakeControlPlane } from '@cell/sdk/testing';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type CellctlOptions, NOW_MS, runAlone } from '../../testing/run-cellctl.ts';

const HOUR_MS = 3_600_000;
const cluster = makeFakeCluster();
const secret = cluster.token.split('_')[2] as string;

let homeFolder = '';
beforeEach(() => {
  homeFolder = mkdtempSync(join(tmpdir(), 'cellctl-login-'));
});
afterEach(() => {
  rmSync(homeFolder, { recursive: true, force: true });
});

/** Of which caller came with which token. */
function handlers(said: unknown[], times: { beginsAtMs?: number; endsAtMs?: number } = {}): FakeHandlers {
  const note = (method: string) => (metadata: { get(key: string): unknown[] }) => {
    said.push([method, metadata.get('authorization')[0]]);
  };
  return {
    getCaller: (_request, _signal, metadata) => {
      note('getCaller')(metadata);
      return {
        token: { id: cluster.tokenId, name: 'alice', role: Role.OPERATOR, namespace: 'team-a' },
        cluster: 'demo',
        trust: [cluster.authority.certificate],
        controlPlaneAddresses: ['10.0.0.1:7600'],
      };
    },
    issueCertificate: ({ publicKey }: { publicKey: Uint8Array }, _signal, metadata) => {
      note('issueCertificate')(metadata);
      return {
        chain: cluster.authority.certificateOf({ kind: 'token', id: cluster.tokenId }, publicKey, times),
        trust: [cluster.authority.certificate],
      };
    },
    listNodes: (_request, _signal, metadata) => {
      note('listNodes')(metadata);
      return {};
    },
    rotateAuthority: (_request, _signal, metadata) => {
      note('rotateAuthority')(metadata);
      return {};
    },
    retireAuthority: (_request, _signal, metadata) => {
      note('retireAuthority')(metadata);
      return {};
    },
  };
}

/** `during`: what happens while nodes are listed. */
async function fake(said: unknown[] = [], times = {}, during: () => Promise<unknown> = async () => undefined) {
  const answers = handlers(said, times);
  const listNodes: FakeHandlers[string] = async (...call) => {
    await during();
    return answers['listNodes']?.(...call);
  };
  const started = await startFakeControlPlane({ ...answers, listNodes }, cluster.security);
  onTestFinished(() => started.end());
  return started;
}

function run(words: string, options: CellctlOptions = {}) {
  return runAlone(words.split(' '), { homeFolder, currentFolder: homeFolder, connect, ...options });
}

const stored = (...names: string[]) => join(homeFolder, '.config', 'cell', ...names);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('a token from standard input is stored for nobody else to read, and used from then on', async () => {
  const said: unknown[] = [];
  const { address } = await fake(said);
  const login = await run(`login --address ${address}`, { input: `${cluster.token}\n` });
  expect(login).toEqual({
    exitCode: 0,
    errors: '',
    output:
      'You are token "alice" of cluster "demo": operator in namespace team-a\nContext "demo" is used from now on\n',
  });
  expect(readFileSync(stored('config.toml'), 'utf8')).toBe(
    `context = "demo"\n\n[contexts.demo]\naddresses = ["${address}", "10.0.0.1:7600"]\n`,
  );
  expect(readFileSync(stored('contexts', 'demo', 'token'), 'utf8')).toBe(`${cluster.token}\n`);
  expect(readFileSync(stored('contexts', 'demo', 'trust.pem'), 'utf8')).toBe(cluster.authority.certificate);
  expect(modeOf(stored('contexts', 'demo'))).toBe('700');
  expect(modeOf(stored('contexts', 'demo', 'token'))).toBe('600');
  expect(await run('node list')).toEqual({ exitCode: 0, output: 'No nodes\n', errors: '' });
  expect(said.at(-1)).toEqual(['listNodes', `Bearer ${cluster.token}`]);
  expect((await run('whoami')).output).toMatch(/Context +demo\n/);
  const list = await run('context list');
  expect(list.output).toMatch(new RegExp(`^demo +yes +token +${address}`, 'm'));
});

test('a person is asked for the token, and may give none', async () => {
  const { address } = await fake();
  const asked = await run(`login --address ${address}`, { terminalColumns: 80, input: cluster.token });
  expect(asked).toMatchObject({ exitCode: 0, errors: 'Token (it is not shown): \n' });
  const refused = await run('login', { terminalColumns: 80, input: '' });
  expect(refused.exitCode).toBe(1);
  expect(refused.errors).toMatch(/CELL_E_TOKEN_MALFORMED.*: This is no token/);
});

test('with a certificate no token is stored, and none is sent any more', async () => {
  const said: unknown[] = [];
  const { address } = await fake(said, { beginsAtMs: NOW_MS - HOUR_MS, endsAtMs: NOW_MS + 23 * HOUR_MS });
  const words = `login --context a --certificate --address ${address}`;
  expect(await run(words, { input: cluster.token })).toMatchObject({ exitCode: 0, errors: '' });
  expect(existsSync(stored('contexts', 'a', 'token'))).toBe(false);
  expect(modeOf(stored('contexts', 'a', 'key.pem'))).toBe('600');
  said.length = 0;
  expect(await run('node list')).toMatchObject({ exitCode: 0, errors: '' });
  expect(said).toEqual([['listNodes', undefined]]);
});

test('a certificate of which half of the life is over is renewed after the next command', async () => {
  const said: unknown[] = [];
  // At the time of the tests' clock; the transport goes by the real one.
  const times = { beginsAtMs: NOW_MS - 13 * HOUR_MS, endsAtMs: Date.now() + 1_000 * 24 * HOUR_MS };
  const { address } = await fake(said, times);
  await run(`login --context a --certificate --address ${address}`, { input: cluster.token });
  const before = readFileSync(stored('contexts', 'a', 'certificate.pem'), 'utf8');
  said.length = 0;
  const clockMs = (new Date(new X509Certificate(before).validTo).getTime() + times.beginsAtMs) / 2;
  expect(await run('node list', { nowMs: clockMs - 1_000 })).toMatchObject({ exitCode: 0, errors: '' });
  expect(said).toHaveLength(1);
  expect(await run('node list', { nowMs: clockMs + 1_000 })).toMatchObject({ exitCode: 0, errors: '' });
  expect(said.map((each) => (each as string[])[0])).toEqual([
    'listNodes',
    'listNodes',
    'getCaller',
    'issueCertificate',
  ]);
  const after = readFileSync(stored('contexts', 'a', 'certificate.pem'), 'utf8');
  expect(after).not.toBe(before);
  expect(new X509Certificate(after).publicKey.equals(new X509Certificate(before).publicKey)).toBe(true);
  const late = await run('node list', { nowMs: times.endsAtMs + HOUR_MS });
  expect(late.errors).toMatch(/^CELL_E_CERTIFICATE_EXPIRED: The certificate of context "a" ended .*cellctl login/);
});

test('whom to trust is asked for again now and then, so that a replaced authority goes unnoticed', async () => {
  const said: unknown[] = [];
  const { address } = await fake(said);
  await run(`login --context a --address ${address}`, { input: cluster.token });
  const file = stored('contexts', 'a', 'trust.pem');
  said.length = 0;
  await run('node list', { nowMs: Date.now() });
  expect(said).toHaveLength(1);
  const older = makeFakeCluster().authority.certificate;
  writeFileSync(file, `${older}${cluster.authority.certificate}`);
  await run('node list', { nowMs: Date.now() + 7 * HOUR_MS });
  expect(readFileSync(file, 'utf8')).toBe(cluster.authority.certificate);
  expect(readFileSync(stored('contexts', 'a', 'token'), 'utf8')).toBe(`${cluster.token}\n`);
});

test.each([
  ['ca rotate', ['rotateAuthority', 'getCaller']],
  ['ca retire 3f2a --yes', ['getCaller', 'retireAuthority']],
])('who says "%s" knows whom to trust afterwards, however short ago that was asked', async (words, calls) => {
  const said: unknown[] = [];
  const { address } = await fake(said);
  await run(`login --context a --address ${address}`, { input: cluster.token });
  const file = stored('contexts', 'a', 'trust.pem');
  writeFileSync(file, `${makeFakeCluster().authority.certificate}${cluster.authority.certificate}`);
  said.length = 0;
  expect(await run(words, { nowMs: Date.now() })).toMatchObject({ exitCode: 0, errors: '' });
  expect(said.map((each) => (each as string[])[0])).toEqual(calls);
  expect(readFileSync(file, 'utf8')).toBe(cluster.authority.certificate);
});

test('what stands in the way of storing it is told, with the file', async () => {
  const { address } = await fake();
  writeFileSync(join(homeFolder, '.config'), '');
  const login = await run(`login --context a --address ${address}`, { input: cluster.token });
  expect(login.errors).toMatch(/^CELL_E_FILE: Could not write ".*contexts\/a\/trust\.pem": .* is a file; HOME or/);
  rmSync(join(homeFolder, '.config'));
  mkdirSync(stored('config.toml'), { recursive: true });
  expect((await run('node list')).errors).toMatch(
    /^CELL_E_FILE: Could not read the configuration ".*": it is a folder/,
  );
});

test('nothing on standard input is told from what is no token', async () => {
  const { address } = await fake();
  const { errors } = await run(`login --address ${address}`, { input: '\n' });
  expect(errors).toMatch(/^CELL_E_NO_IDENTITY: There is no token on standard input; .*--token-file/);
});

test('logging out removes what is stored', async () => {
  const { address } = await fake();
  await run(`login --address ${address}`, { input: cluster.token });
  expect((await run('logout')).output).toBe('Forgot who you are in context "demo"\n');
  expect(existsSync(stored('contexts', 'demo'))).toBe(false);
  expect((await run('logout')).errors).toMatch(/^CELL_E_NO_IDENTITY/);
  expect((await run('node list')).errors).toBe(
    'CELL_E_NO_IDENTITY: Nothing says who you are: log in with "cellctl login --context demo", or give a token with ' +
      '"--token-file", CELL_TOKEN_FILE or CELL_TOKEN\n',
  );
});

test.each([
  ['logs out', 'logout --context a'],
  ['logs in as somebody else', 'login --context a --token-file other'],
  ['takes another certificate', 'login --context a --token-file own --certificate'],
])('who %s while a command runs does not get the old identity back', async (_what, words) => {
  const other = tokenText(makeToken('access', cluster.authority.pin));
  for (const [name, token] of Object.entries({ own: cluster.token, other })) {
    writeFileSync(join(homeFolder, name), token, { mode: 0o600 });
  }
  const folder = stored('contexts', 'a');
  const kept = () =>
    (existsSync(folder) ? readdirSync(folder) : []).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  let meanwhile = async (): Promise<unknown> => undefined;
  const times = { beginsAtMs: Date.now() - HOUR_MS, endsAtMs: Date.now() + 4 * HOUR_MS };
  const { address } = await fake([], times, () => meanwhile());
  for (const how of ['', ' --certificate']) {
    await run(`login --context a --token-file own --address ${address}${how}`);
    let before = kept();
    meanwhile = async () => {
      expect(await run(words, { environment: words.startsWith('login') ? { CELL_ADDR: address } : {} })).toMatchObject({
        exitCode: 0,
      });
      before = kept();
    };
    // Long enough for half of the certificate's life, and for asking whom to trust.
    const late = { nowMs: Date.now() + 2 * HOUR_MS };
    expect(await run('node list', late)).toMatchObject({ exitCode: 0, errors: '' });
    expect(kept()).toEqual(before);
  }
});

test('comments and other contexts in the file of contexts stay', async () => {
  const { address } = await fake();
  mkdirSync(stored(), { recursive: true });
  const before = '# mine\ncontext = "old"\n\n[contexts.old] # by hand\naddresses = ["10.1.1.1:7600"]\ntimeout = "3s"\n';
  writeFileSync(stored('config.toml'), before);
  expect(await run(`login --context new --address ${address}`, { input: cluster.token })).toMatchObject({
    exitCode: 0,
  });
  expect(readFileSync(stored('config.toml'), 'utf8')).toBe(
    `${before.replace('"old"', '"new"')}\n[contexts.new]\naddresses = ["${address}", "10.0.0.1:7600"]\n`,
  );
  expect((await run('context use old')).output).toBe('Context "old" is used from now on\n');
  expect(readFileSync(stored('config.toml'), 'utf8')).toContain('context = "old"\n');
  expect((await run('context use none')).errors).toMatch(/^CELL_E_CONFIG: There is no context "none"/);
});

test('a cluster that is called as another one takes nothing from it, unless that is asked for', async () => {
  const { address } = await fake();
  await run(`login --address ${address}`, { input: cluster.token });
  const other = makeFakeCluster();
  const impostor = await startFakeControlPlane(
    { getCaller: () => ({ cluster: 'demo', trust: [other.authority.certificate] }) },
    other.security,
  );
  onTestFinished(() => impostor.end());
  const before = readFileSync(stored('config.toml'), 'utf8');
  const words = `login --address ${impostor.address}`;
  const refused = await run(words, { input: other.token });
  expect(refused).toMatchObject({ exitCode: 1, output: '' });
  expect(refused.errors).toMatch(/^CELL_E_CONFLICT: You are logged in to another cluster.* context "demo".*--context/);
  expect(readFileSync(stored('contexts', 'demo', 'token'), 'utf8')).toBe(`${cluster.token}\n`);
  expect(readFileSync(stored('config.toml'), 'utf8')).toBe(before);
  expect(await run(`${words} --context demo`, { input: other.token })).toMatchObject({ exitCode: 0 });
  expect(readFileSync(stored('contexts', 'demo', 'token'), 'utf8')).toBe(`${other.token}\n`);
  expect(await run(words, { input: other.token })).toMatchObject({ exitCode: 0 });
});

test.each(['constructor', '__proto__', 'toString'])('a context may be called "%s"', async (name) => {
  const { address } = await fake();
  const login = await run(`login --context ${name} --address ${address}`, { input: cluster.token });
  expect(login).toMatchObject({ exitCode: 0, errors: '' });
  expect(await run('node list')).toMatchObject({ exitCode: 0, errors: '' });
  expect((await run('context list')).output).toContain(name);
});

test.each([
  ['a name that leads elsewhere', 'login --context ../../etc', /^CELL_E_USAGE: "\.\.\/\.\.\/etc" can't be the name/],
  ['a token of another control plane', 'login', /^CELL_E_UNTRUSTED/],
])('%s is refused, and nothing is stored', async (_what, words, message) => {
  const { address } = await fake();
  const token = words === 'login' ? makeFakeCluster().token : cluster.token;
  const result = await run(`${words} --address ${address}`, { input: token });
  expect(result.errors).toMatch(message);
  expect(existsSync(stored())).toBe(false);
});

test('what others can read is told', async () => {
  const { address } = await fake();
  const file = join(homeFolder, 'token');
  writeFileSync(file, cluster.token, { mode: 0o644 });
  const environment = { CELL_ADDR: address };
  const open = await run('node list --token-file token', { environment });
  expect(open).toMatchObject({ exitCode: 0, output: 'No nodes\n' });
  expect(open.errors).toBe(
    `Others on this machine may read "${file}", which says who you are; put it right with: chmod 600 ${file}\n`,
  );
  chmodSync(file, 0o600);
  expect((await run('node list', { environment: { ...environment, CELL_TOKEN_FILE: file } })).errors).toBe('');
  const argument = await run(`node list --token ${cluster.token}`, { environment });
  expect(argument.errors).toMatch(/^A token as an argument is seen by all on this machine \(ps\)/);
});

test('an authority that is named counts, and not the one that the token pins', async () => {
  const { address } = await fake();
  const environment = { CELL_ADDR: address, CELL_TOKEN: makeFakeCluster().token };
  writeFileSync(join(homeFolder, 'ca.pem'), cluster.authority.certificate);
  expect((await run('node list', { environment })).errors).toMatch(/^CELL_E_UNTRUSTED/);
  expect(await run('node list --cacert ca.pem', { environment })).toMatchObject({ exitCode: 0, errors: '' });
  writeFileSync(join(homeFolder, 'none.pem'), 'nonsense');
  expect((await run('node list --cacert none.pem', { environment })).errors).toMatch(/^CELL_E_FILE: .*none\.pem/);
});

test('no output and no error shows a token or a key', async () => {
  const { address } = await fake();
  const environment = { CELL_ADDR: address };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  writeFileSync(join(homeFolder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(join(homeFolder, 'good'), cluster.token, { mode: 0o600 });
  writeFileSync(join(homeFolder, 'bad'), `${cluster.token.slice(0, -2)}!!`, { mode: 0o600 });
  const key = readFileSync(join(homeFolder, 'key.pem'), 'utf8').split('\n')[1] as string;
  const results = [];
  for (const words of [
    'login --token-file good',
    'login --token-file bad',
    'login --token-file key.pem',
    'whoami --token-file good -o json',
    'node list --token-file bad',
    'node list --token-file key.pem',
    'node list --cacert good --token-file good',
    'node show x --token-file good',
    'context list -o yaml',
    'job list --token-file good --address 127.0.0.1:1',
    `node list --token ${cluster.token}`,
    `node list --token ${cluster.token}x`,
    `node list --token-file ${cluster.token}`,
    `login ${cluster.token}`,
    `secret set ${cluster.token} --token-file good --file good`,
  ]) {
    results.push(await run(words, { environment: words.includes('--address') ? {} : environment }));
  }
  const shown = JSON.stringify(results);
  expect(shown).toContain('alice');
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(key);
});
