import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseToken, secretHash } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../execute/testing/fake-clock.ts';
import { renderBook, renderKeyring } from './authority-book.ts';
import { prepareInitialization } from './initialize.ts';
import { keepMembership } from './keep-membership.ts';
import { makeSealingKey } from './sealing.ts';
import { type MemberMachine, makeMachine } from './testing/member-machine.ts';

let clock: FakeClock;
let machine: MemberMachine;

beforeEach(() => {
  clock = new FakeClock();
  machine = makeMachine(clock);
});
afterEach(() => machine.remove());

test('init makes an admin token and a token for the other founding members, and keeps neither', async () => {
  const { adminToken, joinToken, pin, tokens } = await machine.init();
  const [admin, joining] = [parseToken(adminToken, 'access'), parseToken(joinToken!, 'join')];
  expect([admin.pin, joining.pin, tokens]).toEqual([pin, pin, {}]);
  const { genesis } = await machine.open();
  expect(genesis.tokens).toEqual([
    {
      id: admin.id,
      name: 'admin',
      role: 'admin',
      namespace: undefined,
      secretHash: secretHash(admin.secret),
      createdBy: 'member/1',
      expiresAtMs: undefined,
      usesLeft: undefined,
    },
  ]);
  const { folder } = machine.places;
  const kept = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  for (const secret of [admin.secret, joining.secret]) expect(kept.join('')).not.toContain(secret);
});

test('a control plane of one member needs no token to join with', async () => {
  expect((await machine.init({ memberIds: [1] })).joinToken).toBeUndefined();
});

test('further tokens can be made with it', async () => {
  const { tokens } = await machine.init({
    tokens: [
      { name: 'agents', role: 'agent', uses: 100, ttlMs: 3_600_000 },
      { name: 'viewer', role: 'viewer', namespace: 'team-a' },
    ],
  });
  const [, agents, viewer] = (await machine.open()).genesis.tokens;
  expect(agents).toMatchObject({ role: 'agent', usesLeft: 100, expiresAtMs: clock.wallMs() + 3_600_000 });
  expect(viewer).toMatchObject({ role: 'viewer', namespace: 'team-a', usesLeft: undefined, expiresAtMs: undefined });
  expect(parseToken(tokens['agents']!, 'join').id).toBe(agents!.id);
  expect(parseToken(tokens['viewer']!, 'access').id).toBe(viewer!.id);
});

test('a link in the folder leads nothing that is written to another file', async () => {
  const { folder, keyring } = machine.places;
  mkdirSync(folder, { recursive: true });
  const precious = join(folder, '..', 'precious');
  writeFileSync(precious, 'root:x:0:0', { mode: 0o644 });
  symlinkSync(precious, `${keyring}.new`);
  await machine.init();
  expect(readFileSync(precious, 'utf8')).toBe('root:x:0:0');
  expect(statSync(precious).mode & 0o777).toBe(0o644);
  expect(lstatSync(keyring).isFile()).toBe(true);
});

test('a second init is refused and changes nothing', async () => {
  const { pin } = await machine.init();
  await expect(machine.init()).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
    message: expect.stringContaining('initialized already'),
  });
  expect((await machine.open()).pin).toBe(pin);
});

test('a keyring that is there already is never written over', async () => {
  await machine.init();
  const other = makeMachine(clock);
  const places = { ...other.places, keyring: machine.places.keyring };
  const before = readFileSync(places.keyring, 'utf8');
  await expect(other.init(places)).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  expect(readFileSync(places.keyring, 'utf8')).toBe(before);
  other.remove();
});

test('init that was killed on the way can be said again; what it had begun is worth nothing', async () => {
  const { folder, keyring } = machine.places;
  const parts = { ...machine.places, cluster: 'demo', memberId: 1, memberIds: [1, 2], clock };
  const killed = await prepareInitialization(parts);
  const firstKeys = readFileSync(keyring, 'utf8');
  await expect(machine.open()).rejects.toMatchObject({ code: 'CELL_E_NOT_INITIALIZED' });
  const { pin } = await machine.init();
  expect(pin).not.toBe(killed.made.pin);
  expect(readFileSync(keyring, 'utf8')).not.toBe(firstKeys);
  expect((await machine.open()).pin).toBe(pin);
  expect(readdirSync(folder).sort()).toEqual(['authorities.json', 'invitations.json', 'keyring.json']);
});

test('init that is taken back leaves nothing, and no key of anybody else is lost by it', async () => {
  const { folder, keyring } = machine.places;
  const parts = { ...machine.places, cluster: 'demo', memberId: 1, memberIds: [1, 2], clock };
  await (await prepareInitialization(parts)).undo();
  expect(readdirSync(folder)).toEqual([]);
  await prepareInitialization(parts);
  // Somebody put another one there meanwhile.
  const precious = renderKeyring([makeSealingKey(1)]);
  writeFileSync(keyring, precious, { mode: 0o600 });
  await expect(machine.init()).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  expect(readFileSync(keyring, 'utf8')).toBe(precious);
});

test('what is given with the wrong pin, for another cluster, or without its key is not kept', async () => {
  const { pin } = await machine.init();
  const authority = await machine.open();
  const good = { keys: authority.keys, genesis: Buffer.from(renderBook(authority.book)) };
  const other = makeMachine(clock);
  const keep = (given: Partial<typeof good>, expected = {}) =>
    keepMembership(other.places, { ...good, ...given }, { cluster: 'demo', pin, ...expected });
  const sealed = { code: 'CELL_E_SEALED' };
  await expect(keep({}, { pin: 'ab'.repeat(32) })).rejects.toMatchObject(sealed);
  await expect(keep({}, { cluster: 'other' })).rejects.toMatchObject(sealed);
  await expect(keep({ keys: [] })).rejects.toMatchObject(sealed);
  await expect(keep({ keys: [makeSealingKey(1)] })).rejects.toMatchObject(sealed);
  await expect(keep({ keys: [{ ...authority.keys[0]!, key: new Uint8Array(3) }] })).rejects.toMatchObject(sealed);
  await expect(keep({ genesis: Buffer.from('{"format":1}') })).rejects.toMatchObject(sealed);
  await expect(keep({ genesis: Buffer.alloc(2 ** 20 + 1, ' ') })).rejects.toMatchObject(sealed);
  await expect(other.open()).rejects.toMatchObject({ code: 'CELL_E_NOT_INITIALIZED' });
  await keep({});
  // Again, as after a crash on the way.
  await keep({});
  expect((await other.open(2)).pin).toBe(pin);
  other.remove();
});
