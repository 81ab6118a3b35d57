import { chmodSync, chownSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CERTIFICATE_BEGINS_BEFORE_MS, pinOf, subjectOf } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../execute/testing/fake-clock.ts';
import { authorityPurpose } from '../model/identity.ts';
import { readBook } from './authority-folder.ts';
import { sealedWith } from './sealing.ts';
import { makeKeyPair } from './signing-authority.ts';
import { DAY_MS, type MemberMachine, makeMachine, rowsOf } from './testing/member-machine.ts';
import { certificatesOf } from './testing/test-authority.ts';

let clock: FakeClock;
let machine: MemberMachine;

beforeEach(() => {
  clock = new FakeClock();
  machine = makeMachine(clock);
});
afterEach(() => machine.remove());

/** Somebody sets it. */
class MovableClock extends FakeClock {
  backMs = 0;
  override wallMs(): number {
    return super.wallMs() - this.backMs;
  }
}

const first = (chain: string) => certificatesOf(chain)[0]!;

test('a member issues its own certificate when it opens what init made', async () => {
  const { pin } = await machine.init();
  const authority = await machine.open(1);
  const [own, root, ...more] = certificatesOf(authority.own.chain);
  expect(more).toEqual([]);
  expect(subjectOf(own!.subjectAltName)).toEqual({ kind: 'member', id: 1 });
  expect(own!.validFromDate.getTime()).toBe(clock.wallMs() - CERTIFICATE_BEGINS_BEFORE_MS);
  expect(own!.validToDate.getTime()).toBe(clock.wallMs() + DAY_MS);
  expect(own!.ca).toBe(false);
  expect(pinOf(root!)).toBe(pin);
  expect(authority).toMatchObject({ pin, cluster: 'demo', trust: [root!.toString()] });
});

test('each start has another key, and nothing of it is on the disk', async () => {
  await machine.init();
  const [one, other] = [await machine.open(), await machine.open()];
  expect(one.own.privateKey).not.toBe(other.own.privateKey);
  const secret = one.own.privateKey.split('\n')[1]!;
  for (const file of readdirSync(machine.places.folder)) {
    expect(readFileSync(join(machine.places.folder, file), 'utf8')).not.toContain(secret);
  }
});

test('a machine that was never made a member is told how it becomes one', async () => {
  await expect(machine.open()).rejects.toMatchObject({
    code: 'CELL_E_NOT_INITIALIZED',
    message: expect.stringMatching(/"cell-control-plane init".*"cell-control-plane join"/),
  });
});

test('only the owner can read what is kept, and a keyring that everybody can read is refused', async () => {
  await machine.init();
  const { folder, keyring } = machine.places;
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(folder))
    expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600]);
  chmodSync(keyring, 0o604);
  await expect(machine.open()).rejects.toMatchObject({
    code: 'CELL_E_CONFIG',
    message: expect.stringContaining(`chmod 600 ${keyring}`),
  });
});

test('what root makes belongs to whom the data folder belongs', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can give files away');
  chownSync(machine.data, 1234, 1235);
  await machine.init();
  const paths = [
    machine.places.folder,
    ...readdirSync(machine.places.folder).map((file) => join(machine.places.folder, file)),
  ];
  for (const path of paths) expect(statSync(path)).toMatchObject({ uid: 1234, gid: 1235 });
});

test('a folder that was copied to another machine makes that one another member', async () => {
  const { pin } = await machine.init();
  const other = makeMachine(clock);
  cpSync(machine.places.folder, other.places.folder, { recursive: true });
  const authority = await other.open(2);
  expect(authority.pin).toBe(pin);
  expect(subjectOf(first(authority.own.chain).subjectAltName)).toEqual({ kind: 'member', id: 2 });
  other.remove();
});

test('damage to any of the files is named, with the file, and nothing of a key', async () => {
  await machine.init();
  const { folder, keyring } = machine.places;
  const book = join(folder, 'authorities.json');
  const text = readFileSync(book, 'utf8');
  const keys = readFileSync(keyring, 'utf8');
  const { key } = JSON.parse(keys).keys[0];
  const damages: readonly (readonly [string, string])[] = [
    [book, text.slice(0, -30)],
    [book, '{}'],
    [book, text.replace('"format": 1', '"format": 2')],
    [book, JSON.stringify({ ...JSON.parse(text), authorities: [] })],
    [book, text.replace(/"role": "admin"/, '"role": "root"')],
    [keyring, ''],
    [keyring, keys.replace('"format": 1', '"format": 9')],
    [keyring, keys.replace(key, key.slice(4))],
  ];
  for (const [file, damaged] of damages) {
    writeFileSync(file, damaged);
    const error = await machine.open().catch((each: Error) => each);
    expect(error).toMatchObject({ code: 'CELL_E_SEALED', message: expect.stringContaining(file) });
    expect((error as Error).message).not.toContain(key);
    writeFileSync(file, file === book ? text : keys);
  }
  rmSync(keyring);
  await expect(machine.open()).rejects.toMatchObject({
    code: 'CELL_E_SEALED',
    message: expect.stringContaining(keyring),
  });
});

test('a certificate and a key that are not of each other are refused', async () => {
  await machine.init();
  const other = makeMachine(clock);
  await other.init();
  const [own, foreign] = [await machine.open(), await other.open()];
  const { authority } = foreign.genesis;
  const sealedKey = own.seal(
    foreign.open(authority.sealedKey, authorityPurpose(authority.id)),
    authorityPurpose(own.genesis.authority.id),
  );
  await expect(own.follow(rowsOf({ ...own.genesis.authority, sealedKey }), 1)).rejects.toMatchObject({
    code: 'CELL_E_SEALED',
  });
  other.remove();
});

test('its own certificate is renewed at half of its life, with another key, and those are told who hold connections', async () => {
  await machine.init();
  const authority = await machine.open();
  let renewals = 0;
  authority.onRenewal(() => (renewals += 1));
  const before = authority.own;
  await clock.advance(DAY_MS / 2 - 60_000);
  expect(authority.own).toBe(before);
  await clock.advance(120_000);
  expect(renewals).toBe(1);
  expect(authority.own.privateKey).not.toBe(before.privateKey);
  const endsAtMs = first(authority.own.chain).validToDate.getTime();
  expect(endsAtMs).toBeGreaterThan(first(before.chain).validToDate.getTime() + DAY_MS / 2 - 60_000);
  await clock.advance(10 * DAY_MS);
  expect(first(authority.own.chain).validToDate.getTime()).toBeGreaterThan(clock.wallMs());
  authority.stop();
  renewals = 0;
  await clock.advance(DAY_MS);
  expect(renewals).toBe(0);
});

test('a certificate with a short life is renewed in time too', async () => {
  await machine.init();
  const authority = await machine.open(1, 20_000);
  for (let seconds = 0; seconds < 100; seconds += 1) {
    await clock.advance(1000);
    expect(first(authority.own.chain).validToDate.getTime()).toBeGreaterThan(clock.wallMs() + 5_000);
  }
});

test('a clock that is set back gets the member a certificate that has begun by it', async () => {
  const movable = new MovableClock();
  const other = makeMachine(movable);
  await other.init();
  const authority = await other.open();
  movable.backMs = 3_600_000;
  await movable.advance(120_000);
  expect(first(authority.own.chain).validFromDate.getTime()).toBeLessThan(movable.wallMs());
  other.remove();
});

test('certificates are for at most what was asked, and never outlive the authority', async () => {
  await machine.init();
  const authority = await machine.open();
  const { publicKey } = makeKeyPair();
  const node = { kind: 'node', id: 'a' } as const;
  const short = await authority.issue(node, publicKey, 1_500);
  expect(short.expiresAtMs).toBe(clock.wallMs() + 1_000);
  const long = await authority.issue(node, publicKey, 100 * 365 * DAY_MS);
  const [leaf, root] = certificatesOf(long.chain);
  expect(leaf!.validToDate).toEqual(root!.validToDate);
  expect(long).toMatchObject({ expiresAtMs: root!.validToDate.getTime(), authorityId: authority.pin.slice(0, 16) });
  // What others hold can't answer as a member.
  expect(leaf!.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});

test('a new authority of the state is kept on the disk, issues at once, and is trusted beside the old one', async () => {
  await machine.init();
  const authority = await machine.open();
  let renewals = 0;
  authority.onRenewal(() => (renewals += 1));
  const { after, authority: next } = await authority.successor();
  expect(after).toBe(authority.genesis.authority.id);
  expect(authority.trust).toHaveLength(1);
  await authority.follow(rowsOf(authority.genesis.authority, next), 1);
  expect(renewals).toBe(1);
  expect(authority.trust).toEqual([authority.genesis.authority.certificate, next.certificate]);
  const [leaf, cross, root] = certificatesOf(authority.own.chain);
  expect(pinOf(cross!)).toBe(pinOf(next.certificate));
  expect(leaf!.checkIssued(cross!) && cross!.checkIssued(root!)).toBe(true);
  const again = await machine.open(2);
  expect(again).toMatchObject({ pin: pinOf(next.certificate), trust: authority.trust });
});

test('after two rotations, each certificate of the chain is followed by the one that signed it', async () => {
  await machine.init();
  const authority = await machine.open();
  const rows = [authority.genesis.authority];
  for (const index of [1, 2]) {
    rows.push((await authority.successor()).authority);
    await authority.follow(rowsOf(...rows), index);
  }
  const chain = certificatesOf(authority.own.chain);
  expect(chain).toHaveLength(4);
  for (const [place, signer] of chain.slice(1).entries()) expect(chain[place]!.checkIssued(signer)).toBe(true);
});

test('once the old authority is retired, nothing of it is trusted or sent', async () => {
  await machine.init();
  const authority = await machine.open();
  const { authority: next } = await authority.successor();
  await authority.follow(rowsOf(authority.genesis.authority, next), 1);
  await authority.follow(rowsOf(next), 1);
  expect(authority.trust).toEqual([next.certificate]);
  expect(certificatesOf(authority.own.chain).slice(1).map(String)).toEqual([next.certificate]);
  expect((await machine.open()).trust).toEqual([next.certificate]);
});

test('an older state, as after a start from an old snapshot, does not bring back what was retired', async () => {
  await machine.init();
  const authority = await machine.open();
  const first = authority.genesis.authority;
  const { authority: next } = await authority.successor();
  await authority.follow(rowsOf(first, next), 7);
  await authority.follow(rowsOf(next), 9);
  const again = await machine.open();
  await again.follow(rowsOf(first), 5);
  await again.follow(rowsOf(first, next), 8);
  expect(again.trust).toEqual([next.certificate]);
  await again.follow(rowsOf(first, next), 9);
  expect(again.trust).toHaveLength(2);
});

test('a state without authorities, or with those that are known, changes nothing', async () => {
  await machine.init();
  const authority = await machine.open();
  const { own } = authority;
  await authority.follow([], 1);
  await authority.follow(rowsOf(authority.genesis.authority), 1);
  expect(authority.own).toBe(own);
  expect(authority.trust).toHaveLength(1);
});

test('the key of the state becomes the one that is sealed with, once all have it and the state changed over', async () => {
  await machine.init();
  const authority = await machine.open();
  const before = authority.keyId;
  const key = authority.makeKey();
  const old = authority.genesis.authority;
  const { own } = authority;
  const purpose = authorityPurpose(old.id);
  await expect(async () => authority.seal(Buffer.from('x'), 'secret/a/b', key.id)).rejects.toMatchObject({
    code: 'CELL_E_SEALED',
  });
  await authority.addKey(key);
  await authority.addKey(key);
  expect(authority.keys).toHaveLength(2);
  expect(authority.keyId).toBe(before);
  const sealedKey = authority.seal(authority.open(old.sealedKey, purpose), purpose, key.id);
  await authority.follow(rowsOf({ ...old, sealedKey }), 1);
  expect(authority.keyId).toBe(key.id);
  expect(sealedWith(authority.seal(Buffer.from('x'), 'secret/a/b'))).toBe(key.id);
  // The authority is the same: nobody has to connect anew.
  expect(authority.own).toBe(own);
  expect((await machine.open()).keyId).toBe(key.id);
});

test('authorities that the keyring can not open are refused, and what was is kept', async () => {
  await machine.init();
  const authority = await machine.open();
  const other = makeMachine(clock);
  await other.init();
  const foreign = (await other.open()).genesis.authority;
  await expect(authority.follow(rowsOf(foreign), 1)).rejects.toMatchObject({ code: 'CELL_E_SEALED' });
  expect(authority.pin).toBe(pinOf(authority.genesis.authority.certificate));
  expect((await readBook(machine.places))?.authorities).toEqual([authority.genesis.authority]);
  // And later ones are followed all the same.
  const { authority: next } = await authority.successor();
  await authority.follow(rowsOf(authority.genesis.authority, next), 1);
  expect(authority.trust).toHaveLength(2);
  other.remove();
});

test('a key that is none is not kept', async () => {
  await machine.init();
  const authority = await machine.open();
  for (const bad of [{ id: 'x' }, { key: new Uint8Array(31) }, { id: `${authority.keyId}\n` }]) {
    await expect(authority.addKey({ ...authority.makeKey(), ...bad })).rejects.toMatchObject({
      code: 'CELL_E_INVALID',
    });
  }
  expect(authority.keys).toHaveLength(1);
});
