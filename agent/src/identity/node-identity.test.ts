/** How a node comes to its certificate and keeps it, against members over real TLS. */
import { mkdir, mkdtemp, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeToken, tokenText } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeRefusal } from '../link/testing/fake-member.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { silentLog } from '../testing/silent-log.ts';
import { until } from '../testing/until.ts';
import { NodeIdentity, type NodeIdentityOptions } from './node-identity.ts';
import { FakeAuthority } from './testing/fake-authority.ts';
import { JoinableMember } from './testing/joinable-member.ts';

const DAY_MS = 86_400_000;
let folder: string;
let transcript: string[];
let authority: FakeAuthority;
let member: JoinableMember;
let others: JoinableMember[];
let clock: FakeClock;
let identities: NodeIdentity[];
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-identity-'));
  transcript = [];
  authority = new FakeAuthority();
  member = new JoinableMember('member', transcript, authority);
  await member.listen();
  others = [];
  clock = new FakeClock(Date.now());
  identities = [];
  said = [];
});
afterEach(async () => {
  for (const identity of identities) await identity.close();
  for (const one of [member, ...others]) one.close();
  await rm(folder, { recursive: true });
});

async function open(change: Partial<NodeIdentityOptions> = {}): Promise<NodeIdentity> {
  const identity = await NodeIdentity.open({
    data: folder,
    nodeId: 'n1',
    nodeName: 'node-1',
    addresses: () => [member.address, ...others.map(({ address }) => address)],
    joinToken: undefined,
    joinTokenFile: undefined,
    clock,
    random: () => 0,
    log: { ...silentLog, warn: (_, text) => said.push(text), error: (_, text) => said.push(text) },
    ...change,
  });
  identities.push(identity);
  return identity;
}

/** Moves the clock on until the look gives something. */
function advancing<T>(stepMs: number, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  return until(async () => {
    await clock.advance(stepMs);
    return look();
  });
}

function usable(identity: NodeIdentity): Promise<void> {
  return new Promise((resolve) => {
    identity.start(resolve);
  });
}

async function joined(change: Partial<NodeIdentityOptions> = {}): Promise<NodeIdentity> {
  const identity = await open({ joinToken: member.token, ...change });
  await usable(identity);
  return identity;
}

const asked = (): number => transcript.filter((line) => line.includes('is asked')).length;

test('a token gives a certificate, which the next start has, and the token is not asked for again', async () => {
  const identity = await joined();
  expect(identity).toMatchObject({ joined: true, problem: '', joins: { ok: 1, refused: 0, failed: 0 } });
  expect(Math.abs(identity.expiresAtMs - Date.now() - DAY_MS)).toBeLessThan(60_000);
  expect(() => identity.credentials()).not.toThrow();
  await identity.close();
  const again = await open();
  await usable(again);
  expect(transcript).toEqual(['member: is asked to let in a node']);
  expect(said).toEqual([]);
});

test('key and certificate are for their owner alone', async () => {
  await joined();
  const path = join(folder, 'identity');
  await until(async () => (await readFile(join(path, 'identity.json'), 'utf8')).includes('CERTIFICATE') || undefined);
  expect([(await stat(path)).mode & 0o777, (await stat(join(path, 'identity.json'))).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
});

test('without a token it says what to do, and takes one from its file as soon as that is there', async () => {
  const joinTokenFile = join(folder, 'token');
  const identity = await open({ joinTokenFile });
  let usable = false;
  identity.start(() => {
    usable = true;
  });
  await until(() => identity.problem !== '' || undefined);
  expect(identity.problem).toBe(
    `This machine has not joined a fleet. The file "${joinTokenFile}" with its token is not there: make one with ` +
      '"cellctl token create --role agent", and put it there',
  );
  await writeFile(joinTokenFile, `${member.token}\n`, { mode: 0o644 });
  await advancing(5_000, () => usable || undefined);
  expect(said.at(-1)).toBe(
    `Every user of this machine can read the token in "${joinTokenFile}"; run "chmod 600 ${joinTokenFile}"`,
  );
});

test.each([
  ['', 'It needs a token: make one with "cellctl token create --role agent"'],
  ['nonsense', 'This is no token: a token to join with is one word that begins with "celljoin_"'],
])('the token "%s" is asked nobody about', async (joinToken, problem) => {
  const identity = await open({ joinToken: joinToken === '' ? undefined : joinToken });
  identity.start(() => undefined);
  await until(() => identity.problem.includes(problem) || undefined);
  expect(transcript).toEqual([]);
});

test('a token that is copied wrongly is told from one that is refused, and never repeated in words', async () => {
  const wrong = `${member.token.slice(0, -1)}${member.token.endsWith('a') ? 'b' : 'a'}`;
  const identity = await open({ joinToken: wrong });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('The token was copied wrongly') || undefined);
  expect(JSON.stringify(said)).not.toContain(member.token.slice(20, 40));
});

test('a stranger who answers in the place of a member is never told the token', async () => {
  const stranger = new JoinableMember('stranger', transcript, new FakeAuthority());
  await stranger.listen();
  others.push(stranger);
  const identity = await open({ joinToken: member.token, addresses: () => [stranger.address] });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('is not the one that the token is for') || undefined);
  expect(transcript).toEqual([]);
});

test('a certificate that only says it is from the pinned authority does not pass', async () => {
  // The name is the same, and the true authority's certificate is sent along; the key is another.
  const forger = new FakeAuthority();
  const forged = forger.credentials('cell:member:1');
  const leaf = forged.chain.slice(0, forged.chain.indexOf('-----END') + 26);
  const stranger = new JoinableMember('stranger', transcript, forger, {
    ...forged,
    chain: leaf + authority.certificate,
  });
  await stranger.listen();
  others.push(stranger);
  const identity = await open({ joinToken: member.token, addresses: () => [stranger.address] });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('is not the one that the token is for') || undefined);
  expect(transcript).toEqual([]);
});

test('a member that can not be reached is passed over, and a stranger too', async () => {
  const gone = new JoinableMember('gone', transcript, authority);
  await gone.listen();
  gone.close();
  const stranger = new JoinableMember('stranger', transcript, new FakeAuthority());
  await stranger.listen();
  others.push(stranger);
  const identity = await joined({ addresses: () => [gone.address, stranger.address, member.address] });
  expect(identity.joins).toEqual({ ok: 1, refused: 0, failed: 0 });
});

test('who finds nobody asks again for as long as it takes', async () => {
  member.close();
  const identity = await open({ joinToken: member.token });
  let usable = false;
  identity.start(() => {
    usable = true;
  });
  await until(() => identity.problem.includes('This machine waits to join the fleet') || undefined);
  await advancing(5_000, () => identity.joins.failed > 3 || undefined);
  const late = new JoinableMember('late', transcript, authority);
  Object.assign(late, { address: member.address, token: member.token });
  await late.listen();
  others.push(late);
  await advancing(5_000, () => usable || undefined);
  expect(identity.problem).toBe('');
  // Said once, however often it was true.
  expect(said.length).toBe(1);
});

/** How often it began to ask, counted at once: the answer comes over the network, which the clock does not wait for. */
function countingAsks(): { asks: number; addresses: () => string[] } {
  const counted = {
    asks: 0,
    addresses: () => {
      counted.asks += 1;
      return [member.address];
    },
  };
  return counted;
}

test('a token that another node has used up is asked about once a minute', async () => {
  await joined();
  const counted = countingAsks();
  const other = { data: join(folder, 'other'), nodeId: 'n2', joinToken: member.token, addresses: counted.addresses };
  const identity = await open(other);
  identity.start(() => undefined);
  await until(() => identity.joins.refused === 1 || undefined);
  expect(identity.problem).toContain('Token "lab" is used up');
  for (let step = 0; step < 11; step += 1) await clock.advance(5_000);
  expect(counted.asks).toBe(1);
  await clock.advance(5_000);
  await until(() => identity.joins.refused === 2 || undefined);
});

test('another token in the file than the one that was refused is taken at once', async () => {
  await joined();
  const joinTokenFile = join(folder, 'token');
  await writeFile(joinTokenFile, member.token, { mode: 0o600 });
  const identity = await open({ data: join(folder, 'other'), nodeId: 'n2', joinTokenFile });
  identity.start(() => undefined);
  await until(() => identity.joins.refused === 1 || undefined);
  member.nodes.clear();
  member.token = tokenText(makeToken('join', authority.pin));
  await writeFile(joinTokenFile, member.token, { mode: 0o600 });
  await advancing(5_000, () => identity.joined || undefined);
});

test('the same node asks with the same key after the answer was lost', async () => {
  const { join: answer } = member;
  const keys: string[] = [];
  member.join = (request) => {
    keys.push(Buffer.from(request.publicKey).toString('hex'));
    const issued = answer(request);
    if (keys.length === 1) throw new FakeRefusal(14, 'CELL_E_OUTCOME_UNKNOWN', 'The leader has gone');
    return issued;
  };
  const identity = await open({ joinToken: member.token });
  identity.start(() => undefined);
  await until(() => identity.joins.failed === 1 || undefined);
  await identity.close();
  await joined();
  expect(keys[1]).toBe(keys[0]);
});

test('a member that asks for a pause gets it', async () => {
  const { join: answer } = member;
  member.join = () => {
    throw new FakeRefusal(8, 'CELL_E_RATE_LIMITED', 'Too often', 30_000);
  };
  const counted = countingAsks();
  const identity = await open({ joinToken: member.token, addresses: counted.addresses });
  identity.start(() => undefined);
  await until(() => identity.joins.failed === 1 || undefined);
  member.join = answer;
  await clock.advance(29_000);
  expect(counted.asks).toBe(1);
  await advancing(5_000, () => identity.joined || undefined);
});

test('a clock that differs by more than 5 minutes is told of with both times', async () => {
  member.clockOffsetMs = -400_000;
  await joined();
  expect(said.length).toBe(1);
  expect(said[0]).toMatch(
    /^The clock of this machine says \S+Z, and that of the control plane \S+Z\. Certificates need/,
  );
});

test('a clock that is behind by more than 5 minutes finds no certificate that is good yet, and says so', async () => {
  clock = new FakeClock(Date.now() - 400_000);
  const identity = await open({ joinToken: member.token });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('the clocks differ by more than 5 minutes') || undefined);
  expect(transcript).toEqual([]);
});

test('a certificate is renewed at half of its life, and kept', async () => {
  member.lifetimeMs = 1_000_000;
  const identity = await joined();
  let renewed = 0;
  identity.onRenewal(() => {
    renewed += 1;
  });
  await clock.advance(490_000);
  expect(asked()).toBe(1);
  member.lifetimeMs = DAY_MS;
  await clock.advance(20_000);
  await until(() => renewed === 1 || undefined);
  expect(transcript.at(-1)).toBe('member: is asked to renew by n1');
  expect(identity.expiresAtMs - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
  await identity.close();
  expect((await open()).expiresAtMs).toBe(identity.expiresAtMs);
});

test('a renewal that fails is tried again until it works, and what is said of it goes away', async () => {
  member.lifetimeMs = 1_000_000;
  const identity = await joined();
  const { renew } = member;
  member.renew = () => {
    throw new FakeRefusal(14, 'CELL_E_NO_LEADER', 'No leader is known');
  };
  await clock.advance(500_000);
  await advancing(20_000, () => identity.renewals.failed === 3 || undefined);
  expect(identity.problem).toBe('The certificate of this node is due and could not be renewed: No leader is known');
  expect(said.length).toBe(1);
  member.renew = renew;
  await advancing(20_000, () => identity.renewals.ok === 1 || undefined);
  expect(identity.problem).toBe('');
});

test('a certificate that has ended is renewed before anybody is dialled with it', async () => {
  member.lifetimeMs = 1_000_000;
  await (await joined()).close();
  clock = new FakeClock(Date.now() + 2_000_000);
  member.lifetimeMs = DAY_MS;
  const identity = await joined({ joinToken: undefined });
  expect(identity.renewals).toEqual({ ok: 1, refused: 0, failed: 0 });
});

test('a node that was revoked says that it needs a new token', async () => {
  member.lifetimeMs = 1_000_000;
  const identity = await joined();
  member.nodes.clear();
  await clock.advance(500_000);
  await until(() => identity.problem !== '' || undefined);
  expect(identity.problem).toMatch(
    /could not be renewed: Node "n1" was revoked; if that does not end by itself, give this machine a new token/,
  );
  expect(identity.renewals.refused).toBeGreaterThan(0);
});

test('a new token in the file makes a new beginning after a renewal was refused', async () => {
  const joinTokenFile = join(folder, 'token');
  member.lifetimeMs = 1_000_000;
  await writeFile(joinTokenFile, member.token, { mode: 0o600 });
  const identity = await joined({ joinToken: undefined, joinTokenFile });
  member.renew = () => {
    throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', 'Node "n1" has no identity here');
  };
  member.nodes.clear();
  member.token = tokenText(makeToken('join', authority.pin));
  await clock.advance(500_000);
  await until(() => identity.problem !== '' || undefined);
  await writeFile(joinTokenFile, member.token, { mode: 0o600 });
  await advancing(20_000, () => identity.joins.ok === 2 || undefined);
  expect(identity.problem).toBe('');
});

test('whom to trust is replaced by what a session says, and kept', async () => {
  const identity = await joined();
  const next = new FakeAuthority('next');
  identity.trusted({ trust: ['nonsense'], renew: false });
  expect(said.length).toBe(1);
  identity.trusted({ trust: [authority.certificate, next.certificate], renew: false });
  await until(
    async () =>
      (await readFile(join(folder, 'identity', 'identity.json'), 'utf8')).includes(next.certificate.split('\n')[2]!) ||
      undefined,
  );
  expect(asked()).toBe(1);
});

test('a certificate of an authority that is being replaced is renewed soon, and once', async () => {
  let chance = 0;
  const random = (): number => {
    chance += 0.13;
    return chance % 1;
  };
  const counted = countingAsks();
  const identity = await joined({ random, addresses: counted.addresses });
  const next = new FakeAuthority('next');
  member.authority = next;
  member.trust = [authority.certificate, next.certificate];
  identity.trusted({ trust: member.trust, renew: true });
  identity.trusted({ trust: member.trust, renew: true });
  await advancing(1_000, () => identity.renewals.ok === 1 || undefined);
  await clock.advance(10_000);
  expect(counted.asks).toBe(2);
});

test('an answer that is for another node is not taken', async () => {
  member.join = () => ({
    chain: authority.credentials('cell:node:n2').chain,
    trust: [authority.certificate],
    timeMs: BigInt(Date.now()),
  });
  const identity = await open({ joinToken: member.token });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('a certificate that is not for this node') || undefined);
  expect(identity.joined).toBe(false);
});

test('a certificate that the disk does not take is used all the same, and stored once there is room', async () => {
  const path = join(folder, 'identity', 'identity.json');
  const identity = await open({ joinToken: member.token });
  // What is written goes to this name first.
  await mkdir(`${path}.new`);
  await usable(identity);
  expect(said).toEqual(['Could not store the certificate of this node; make room in the data folder']);
  expect(await readFile(path, 'utf8')).not.toContain('CERTIFICATE');
  await rmdir(`${path}.new`);
  await clock.advance(60_000);
  await until(async () => (await readFile(path, 'utf8')).includes('CERTIFICATE') || undefined);
});

test('a token from a fleet whose authority was replaced meanwhile names that as a reason', async () => {
  const old = new FakeAuthority('old');
  const identity = await open({ joinToken: tokenText(makeToken('join', old.pin)) });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('if the authority was rotated, make a new token') || undefined);
  expect(transcript).toEqual([]);
});

test('a certificate that the session refuses is renewed at once, once', async () => {
  const identity = await joined();
  identity.refused();
  await advancing(100, () => identity.renewals.ok === 1 || undefined);
  member.nodes.clear();
  identity.refused();
  await advancing(100, () => identity.renewals.refused === 1 || undefined);
  for (let time = 0; time < 10; time += 1) {
    identity.refused();
    await clock.advance(1_000);
  }
  expect(identity.renewals.refused).toBe(1);
});
