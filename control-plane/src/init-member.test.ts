import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseToken } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InitFlags, initMember } from './init-member.ts';

const clock = { wallMs: () => Date.UTC(2026, 0, 1) };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function configOf(hosts: readonly string[]) {
  const members = hosts.map((host, place) => ({
    id: place + 1,
    grpc: `${host}:7600`,
    peers: `${host}:7601`,
    http: `${host}:7602`,
  }));
  return { id: 1, cluster: 'demo', data: join(folder, 'data'), members, keyring: undefined };
}

/** Gives what it says. */
async function init(config: ReturnType<typeof configOf>, flags: InitFlags, ...rest: [typeof clock, string?]) {
  const said: string[] = [];
  const [time, ...configFile] = rest;
  await initMember(config, flags, time, async (text) => void said.push(text), ...configFile);
  return said.join('');
}

test('init says what to do next, and prints both tokens once', async () => {
  const text = await init(configOf(['10.0.0.1', '10.0.0.2', '10.0.0.3']), {}, clock);
  const shown = text.replace(/cell(key|join)_[a-z2-7_]+/g, 'cell$1_…').replaceAll(folder, '');
  expect(shown).toMatchInlineSnapshot(`
    "This machine is member 1 of the new cluster "demo". Its authority is in "/data/authority".
    Keep these: they are printed once, and kept nowhere.

    Admin token: cellkey_…
    Join token:  celljoin_…

    1. Start this member:
           systemctl restart --no-block cell-control-plane
    2. On the machine of each other member (2 at 10.0.0.2, 3 at 10.0.0.3), with the same "members",
       within 24 hours; it asks for the join token:
           cell-control-plane join
           systemctl restart --no-block cell-control-plane
    3. Where you work; it asks for the admin token:
           cellctl login --address 10.0.0.1:7600
    4. For the machines that run jobs: make a token, and put it there into the file that agent.toml names:
           cellctl token create --role agent
    "
  `);
  expect(parseToken(/cellkey_\S+/.exec(text)![0], 'access').pin).toBe(
    parseToken(/celljoin_\S+/.exec(text)![0], 'join').pin,
  );
});

test('who keeps the configuration elsewhere is told to start it with that one', async () => {
  const text = await init(configOf(['10.0.0.1', '10.0.0.2']), {}, clock, '/srv/one.toml');
  expect(text).toContain('1. Start this member:\n       cell-control-plane --config /srv/one.toml\n');
  expect(text).toContain('cell-control-plane join --config FILE\n       cell-control-plane --config FILE\n');
  expect(text).not.toContain('systemctl');
});

test('a file for a token that can not be made is told with the reason', async () => {
  const made = (file: string) => init(configOf(['10.0.0.1']), { 'admin-token-file': file }, clock);
  await expect(made(join(folder, 'none', 'token'))).rejects.toThrow('is in a folder that is not there');
  writeFileSync(join(folder, 'token'), 'x');
  await expect(made(join(folder, 'token'))).rejects.toThrow('is there already. Name one that is not there yet');
});

test('a single member is told nothing of others', async () => {
  const text = await init(configOf(['10.0.0.1']), {}, clock);
  expect(text).not.toMatch(/join token|cell-control-plane join|celljoin_/i);
  expect(text).toContain('1. Start this member:');
  expect(text).toContain(
    '2. Where you work; it asks for the admin token:\n       cellctl login --address 10.0.0.1:7600',
  );
});

test('tokens go into files that only their owner can read, and then nowhere else', async () => {
  const files = { 'admin-token-file': join(folder, 'admin'), 'join-token-file': join(folder, 'join') };
  const text = await init(configOf(['10.0.0.1', '10.0.0.2']), files, clock);
  expect(text).not.toMatch(/cell(key|join)_|printed/);
  for (const [file, purpose] of [
    ['admin', 'access'],
    ['join', 'join'],
  ] as const) {
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(parseToken(readFileSync(join(folder, file), 'utf8'), purpose).purpose).toBe(purpose);
    expect(text).toContain(join(folder, file));
  }
});

test('a file that is there already is not written over, and then nothing is made', async () => {
  const files = { 'admin-token-file': join(folder, 'new'), 'join-token-file': join(folder, 'mine') };
  writeFileSync(files['join-token-file'], 'mine');
  const making = init(configOf(['10.0.0.1', '10.0.0.2']), files, clock);
  await expect(making).rejects.toMatchObject({ code: 'CELL_E_CONFIG', message: expect.stringContaining('mine') });
  expect(readFileSync(files['join-token-file'], 'utf8')).toBe('mine');
  expect(existsSync(files['admin-token-file'])).toBe(false);
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('a second init leaves no empty files', async () => {
  const config = configOf(['10.0.0.1']);
  await init(config, {}, clock);
  const file = join(folder, 'admin');
  await expect(init(config, { 'admin-token-file': file }, clock)).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
  });
  expect(existsSync(file)).toBe(false);
});

test('tokens that nobody was told are worth nothing: all is as before, and the next try does it', async () => {
  const config = configOf(['10.0.0.1', '10.0.0.2']);
  const flags = { 'admin-token-file': join(folder, 'admin') };
  const untold = initMember(config, flags, clock, async () => {
    throw new Error('Nobody reads');
  });
  await expect(untold).rejects.toThrow('Nobody reads');
  expect(existsSync(flags['admin-token-file'])).toBe(false);
  expect(readdirSync(join(config.data, 'authority'))).toEqual([]);
  expect(await init(config, flags, clock)).toContain('This machine is member 1');
});

test('an empty file that is left of one who was killed is taken; no link, and nothing with anything in it', async () => {
  const config = configOf(['10.0.0.1']);
  const flags = { 'admin-token-file': join(folder, 'admin') };
  writeFileSync(join(folder, 'elsewhere'), '');
  symlinkSync(join(folder, 'elsewhere'), flags['admin-token-file']);
  await expect(init(config, flags, clock)).rejects.toMatchObject({ code: 'CELL_E_CONFIG' });
  rmSync(flags['admin-token-file']);
  writeFileSync(flags['admin-token-file'], '', { mode: 0o644 });
  await init(config, flags, clock);
  expect(statSync(flags['admin-token-file']).mode & 0o777).toBe(0o600);
  expect(parseToken(readFileSync(flags['admin-token-file'], 'utf8'), 'access').purpose).toBe('access');
});
