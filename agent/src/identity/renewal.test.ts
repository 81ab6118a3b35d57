/** How a node keeps its certificate and whom it trusts, against members over real TLS. */
import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken, tokenText } from '@cell/identity';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeRefusal } from '../link/testing/fake-member.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { until } from '../testing/until.ts';
import { FakeAuthority } from './testing/fake-authority.ts';
import { FreshMachine } from './testing/fresh-machine.ts';
import { JoinableMember } from './testing/joinable-member.ts';

const DAY_MS = 86_400_000;
let here: FreshMachine;

beforeEach(async () => {
  here = await FreshMachine.make();
});
afterEach(() => here.close());

const asked = (): number => here.transcript.filter((line) => line.includes('is asked')).length;

test('a certificate is renewed at half of its life, and kept', async () => {
  here.member.lifetimeMs = 1_000_000;
  const identity = await here.joined();
  let renewed = 0;
  identity.onRenewal(() => {
    renewed += 1;
  });
  await here.clock.advance(490_000);
  expect(asked()).toBe(1);
  here.member.lifetimeMs = DAY_MS;
  await here.advancing(20_000, () => renewed === 1 || undefined);
  expect(here.transcript.at(-1)).toBe('member: is asked to renew by n1');
  expect(identity.expiresAtMs - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
  await identity.close();
  expect((await here.open()).expiresAtMs).toBe(identity.expiresAtMs);
});

test('a renewal that fails is tried again until it works, and what is said of it goes away', async () => {
  const identity = await here.joined();
  const { renew } = here.member;
  here.member.renew = () => {
    throw new FakeRefusal(14, 'CELL_E_NO_LEADER', 'No leader is known');
  };
  // It has half a day left then, more than goes by on this clock while answers are on their way.
  await here.clock.advance(DAY_MS / 2);
  await here.advancing(20_000, () => identity.renewals.failed === 3 || undefined);
  expect(identity.problem).toBe('The certificate of this node is due and could not be renewed: No leader is known');
  expect(here.said.length).toBe(1);
  here.member.renew = renew;
  await here.advancing(20_000, () => identity.renewals.ok === 1 || undefined);
  expect(identity.problem).toBe('');
});

test('a certificate that has ended is renewed before anybody is dialled with it', async () => {
  here.member.lifetimeMs = 1_000_000;
  await (await here.joined()).close();
  here.clock = new FakeClock(Date.now() + 2_000_000);
  here.member.lifetimeMs = DAY_MS;
  const identity = await here.joined({ joinToken: undefined });
  expect(identity.renewals).toEqual({ ok: 1, refused: 0, failed: 0 });
});

test('a node that was revoked says that it needs a new token', async () => {
  here.member.lifetimeMs = 1_000_000;
  const joinTokenFile = join(here.folder, 'token');
  await writeFile(joinTokenFile, here.member.token, { mode: 0o600 });
  const identity = await here.joined({ joinToken: undefined, joinTokenFile });
  await rm(joinTokenFile);
  here.member.nodes.clear();
  await here.clock.advance(500_000);
  await here.advancing(20_000, () => identity.problem !== '' || undefined);
  expect(identity.problem).toMatch(
    /could not be renewed: Node "n1" was revoked; if that does not end by itself, give this machine a new token/,
  );
  expect(identity.renewals.refused).toBeGreaterThan(0);
});

test('a new token in the file makes a new beginning after a renewal was refused', async () => {
  const joinTokenFile = join(here.folder, 'token');
  here.member.lifetimeMs = 1_000_000;
  await writeFile(joinTokenFile, here.member.token, { mode: 0o600 });
  const identity = await here.joined({ joinToken: undefined, joinTokenFile });
  here.member.renew = () => {
    throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', 'Node "n1" has no identity here');
  };
  here.member.nodes.clear();
  here.member.token = tokenText(makeToken('join', here.authority.pin));
  await here.clock.advance(500_000);
  await here.advancing(20_000, () => identity.problem !== '' || undefined);
  await writeFile(joinTokenFile, here.member.token, { mode: 0o600 });
  await here.advancing(20_000, () => identity.joins.ok === 2 || undefined);
  expect(identity.problem).toBe('');
});

test('a node whose authority was retired while it was away comes back with a token that pins another', async () => {
  const file = join(here.folder, 'token');
  await (await here.joined()).close();
  const next = new JoinableMember('next', here.transcript, new FakeAuthority());
  await next.listen();
  here.others.push(next);
  here.member.close();
  await writeFile(file, here.member.token, { mode: 0o600 });
  const identity = await here.joined({ joinToken: undefined, joinTokenFile: file });
  // As the session does, which does not find anybody whom it trusts.
  identity.refused();
  await here.advancing(1_000, () => identity.problem.includes('give this machine a new token') || undefined);
  expect(identity.problem).toMatch(/^The certificate of this node is of no use now and could not be renewed: /);
  expect(here.transcript.filter((line) => line.startsWith('next'))).toEqual([]);
  await writeFile(file, next.token, { mode: 0o600 });
  await here.advancing(30_000, () => identity.joins.ok === 1 || undefined);
  expect(identity.problem).toBe('');
});

test('a node that was revoked is told, too, why its token did not help', async () => {
  const identity = await here.joined();
  here.member.nodes.clear();
  here.member.join = () => {
    throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', 'Node "n1" was revoked; give this machine an empty data folder');
  };
  await here.clock.advance(DAY_MS / 2);
  await here.advancing(20_000, () => identity.problem !== '' || undefined);
  expect(identity.problem).toBe(
    'The certificate of this node is due and could not be renewed: Node "n1" was revoked; the token from the setting ' +
      '"join_token" was refused, too: Node "n1" was revoked; give this machine an empty data folder',
  );
});

test('whom to trust is replaced by what a session says, and kept', async () => {
  const identity = await here.joined();
  const next = new FakeAuthority('next');
  identity.trusted({ trust: ['nonsense'], renew: false });
  expect(here.said.length).toBe(1);
  identity.trusted({ trust: [here.authority.certificate, next.certificate], renew: false });
  await until(
    async () =>
      (await readFile(join(here.folder, 'identity', 'identity.json'), 'utf8')).includes(
        next.certificate.split('\n')[2]!,
      ) || undefined,
  );
  expect(asked()).toBe(1);
});

test('a certificate of an authority that is being replaced is renewed soon, and once', async () => {
  const identity = await here.joined({ random: () => 0.4 });
  const next = new FakeAuthority('next');
  here.member.authority = next;
  here.member.trust = [here.authority.certificate, next.certificate];
  const after = vi.spyOn(here.clock, 'after');
  identity.trusted({ trust: here.member.trust, renew: true });
  identity.trusted({ trust: here.member.trust, renew: true });
  expect(after.mock.calls.map(([delayMs]) => delayMs)).toEqual([4_000]);
  await here.advancing(4_000, () => identity.renewals.ok === 1 || undefined);
});

test('a certificate that the disk does not take is used all the same, and stored once there is room', async () => {
  const path = join(here.folder, 'identity', 'identity.json');
  const identity = await here.open({ joinToken: here.member.token });
  // What is written goes to this name first.
  await mkdir(`${path}.new`);
  await here.usable(identity);
  expect(here.said).toEqual(['Could not store the certificate of this node; make room in the data folder']);
  expect(await readFile(path, 'utf8')).not.toContain('CERTIFICATE');
  await rmdir(`${path}.new`);
  await here.advancing(60_000, async () => (await readFile(path, 'utf8')).includes('CERTIFICATE') || undefined);
});

test('a certificate that the session refuses is renewed at once, once', async () => {
  const identity = await here.joined();
  identity.refused();
  await here.advancing(100, () => identity.renewals.ok === 1 || undefined);
  here.member.nodes.clear();
  identity.refused();
  await here.advancing(100, () => identity.renewals.refused === 1 || undefined);
  for (let time = 0; time < 10; time += 1) {
    identity.refused();
    await here.clock.advance(1_000);
  }
  expect(identity.renewals.refused).toBe(1);
});
