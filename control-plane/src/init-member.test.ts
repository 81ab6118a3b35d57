import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseToken } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { initMember } from './init-member.ts';

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

test('init says what to do next, and prints both tokens once', async () => {
  const text = await initMember(configOf(['10.0.0.1', '10.0.0.2', '10.0.0.3']), {}, clock);
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

test('a single member is told nothing of others', async () => {
  const text = await initMember(configOf(['10.0.0.1']), {}, clock);
  expect(text).not.toMatch(/join token|cell-control-plane join|celljoin_/i);
  expect(text).toContain('1. Start this member:');
  expect(text).toContain(
    '2. Where you work; it asks for the admin token:\n       cellctl login --address 10.0.0.1:7600',
  );
});

test('tokens go into files that only their owner can read, and then nowhere else', async () => {
  const files = { 'admin-token-file': join(folder, 'admin'), 'join-token-file': join(folder, 'join') };
  const text = await initMember(configOf(['10.0.0.1', '10.0.0.2']), files, clock);
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
  const making = initMember(configOf(['10.0.0.1', '10.0.0.2']), files, clock);
  await expect(making).rejects.toMatchObject({ code: 'CELL_E_CONFIG', message: expect.stringContaining('mine') });
  expect(readFileSync(files['join-token-file'], 'utf8')).toBe('mine');
  expect(existsSync(files['admin-token-file'])).toBe(false);
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('a second init leaves no empty files', async () => {
  const config = configOf(['10.0.0.1']);
  await initMember(config, {}, clock);
  const file = join(folder, 'admin');
  await expect(initMember(config, { 'admin-token-file': file }, clock)).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
  });
  expect(existsSync(file)).toBe(false);
});
