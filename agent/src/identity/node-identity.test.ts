/** How a machine becomes a node, against members over real TLS. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken, tokenText } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

test('a token gives a certificate, which the next start has, and the token is not asked for again', async () => {
  const identity = await here.joined();
  expect(identity).toMatchObject({ joined: true, problem: '', joins: { ok: 1, refused: 0, failed: 0 } });
  expect(Math.abs(identity.expiresAtMs - Date.now() - DAY_MS)).toBeLessThan(60_000);
  expect(() => identity.credentials()).not.toThrow();
  await identity.close();
  const again = await here.open();
  await here.usable(again);
  expect(here.transcript).toEqual(['member: is asked to let in a node']);
  expect(here.said).toEqual([]);
});

test('key and certificate are for their owner alone', async () => {
  await here.joined();
  const path = join(here.folder, 'identity');
  await until(async () => (await readFile(join(path, 'identity.json'), 'utf8')).includes('CERTIFICATE') || undefined);
  expect([(await stat(path)).mode & 0o777, (await stat(join(path, 'identity.json'))).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
});

test('without a token it says what to do, and takes one from its file as soon as that is there', async () => {
  const joinTokenFile = join(here.folder, 'token');
  const identity = await here.open({ joinTokenFile });
  let usable = false;
  identity.start(() => {
    usable = true;
  });
  await until(() => identity.problem !== '' || undefined);
  expect(identity.problem).toBe(
    `This machine has not joined a fleet. The file "${joinTokenFile}" with its token is not there: make one with ` +
      '"cellctl token create --role agent", and put it there',
  );
  await writeFile(joinTokenFile, `${here.member.token}\n`, { mode: 0o644 });
  await here.advancing(5_000, () => usable || undefined);
  expect(here.said.at(-1)).toBe(
    `Every user of this machine can read the token in "${joinTokenFile}"; run "chmod 600 ${joinTokenFile}"`,
  );
});

test.each([
  ['', 'It needs a token: make one with "cellctl token create --role agent"'],
  [
    'nonsense',
    'This machine can\'t join with the token from the setting "join_token": This is no token: a token to join with is one ' +
      'word that begins with "celljoin_"',
  ],
])('the token "%s" is asked nobody about', async (joinToken, problem) => {
  const identity = await here.open({ joinToken: joinToken === '' ? undefined : joinToken });
  identity.start(() => undefined);
  await until(() => identity.problem.includes(problem) || undefined);
  expect(here.transcript).toEqual([]);
});

test('a token that is copied wrongly is told from one that is refused, and never repeated in words', async () => {
  const wrong = `${here.member.token.slice(0, -1)}${here.member.token.endsWith('a') ? 'b' : 'a'}`;
  const identity = await here.open({ joinToken: wrong });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('The token was copied wrongly') || undefined);
  expect(JSON.stringify(here.said)).not.toContain(here.member.token.slice(20, 40));
});

test('a stranger who answers in the place of a member is never told the token', async () => {
  const stranger = new JoinableMember('stranger', here.transcript, new FakeAuthority());
  await stranger.listen();
  here.others.push(stranger);
  const identity = await here.open({ joinToken: here.member.token, addresses: () => [stranger.address] });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('is not the one that the token is for') || undefined);
  expect(identity.problem).toContain(
    'This machine waits to join the fleet with the token from the setting "join_token":',
  );
  expect(here.transcript).toEqual([]);
});

test('a certificate that only says it is from the pinned authority does not pass', async () => {
  // The name is the same, and the true authority's certificate is sent along; the key is another.
  const forger = new FakeAuthority();
  const forged = forger.credentials('cell:member:1');
  const leaf = forged.chain.slice(0, forged.chain.indexOf('-----END') + 26);
  const stranger = new JoinableMember('stranger', here.transcript, forger, {
    ...forged,
    chain: leaf + here.authority.certificate,
  });
  await stranger.listen();
  here.others.push(stranger);
  const identity = await here.open({ joinToken: here.member.token, addresses: () => [stranger.address] });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('is not the one that the token is for') || undefined);
  expect(here.transcript).toEqual([]);
});

test('a member that can not be reached is passed over, and a stranger too', async () => {
  const gone = new JoinableMember('gone', here.transcript, here.authority);
  await gone.listen();
  gone.close();
  const stranger = new JoinableMember('stranger', here.transcript, new FakeAuthority());
  await stranger.listen();
  here.others.push(stranger);
  const identity = await here.joined({ addresses: () => [gone.address, stranger.address, here.member.address] });
  expect(identity.joins).toEqual({ ok: 1, refused: 0, failed: 0 });
});

test('who finds nobody asks again for as long as it takes', async () => {
  here.member.close();
  const identity = await here.open({ joinToken: here.member.token });
  let usable = false;
  identity.start(() => {
    usable = true;
  });
  await until(() => identity.problem.includes('This machine waits to join the fleet') || undefined);
  await here.advancing(5_000, () => identity.joins.failed > 3 || undefined);
  const late = new JoinableMember('late', here.transcript, here.authority);
  Object.assign(late, { address: here.member.address, token: here.member.token });
  await late.listen();
  here.others.push(late);
  await here.advancing(5_000, () => usable || undefined);
  expect(identity.problem).toBe('');
  // Said once, however often it was true.
  expect(here.said.length).toBe(1);
});

test('a token that another node has used up is asked about once a minute', async () => {
  await here.joined();
  const other = { data: join(here.folder, 'other'), nodeId: 'n2', joinToken: here.member.token };
  const identity = await here.open(other);
  identity.start(() => undefined);
  await until(() => identity.joins.refused === 1 || undefined);
  expect(identity.problem).toContain(
    'The control plane did not take this machine in with the token from the setting "join_token": Token "lab" is used up',
  );
  for (let step = 0; step < 11; step += 1) await here.clock.advance(5_000);
  expect(here.asks).toBe(2);
  await here.advancing(5_000, () => identity.joins.refused === 2 || undefined);
});

test('another token in the file than the one that was refused is taken at once', async () => {
  await here.joined();
  const joinTokenFile = join(here.folder, 'token');
  await writeFile(joinTokenFile, here.member.token, { mode: 0o600 });
  const identity = await here.open({ data: join(here.folder, 'other'), nodeId: 'n2', joinTokenFile });
  identity.start(() => undefined);
  await until(() => identity.joins.refused === 1 || undefined);
  expect(identity.problem).toContain(`with the token from the file "${joinTokenFile}": Token "lab" is used up`);
  here.member.nodes.clear();
  here.member.token = tokenText(makeToken('join', here.authority.pin));
  await writeFile(joinTokenFile, here.member.token, { mode: 0o600 });
  await here.advancing(5_000, () => identity.joined || undefined);
});

test('the same node asks with the same key after the answer was lost', async () => {
  const { join: answer } = here.member;
  const keys: string[] = [];
  here.member.join = (request) => {
    keys.push(Buffer.from(request.publicKey).toString('hex'));
    const issued = answer(request);
    if (keys.length === 1) throw new FakeRefusal(14, 'CELL_E_OUTCOME_UNKNOWN', 'The leader has gone');
    return issued;
  };
  const identity = await here.open({ joinToken: here.member.token });
  identity.start(() => undefined);
  await until(() => identity.joins.failed === 1 || undefined);
  await identity.close();
  await here.joined();
  expect(keys[1]).toBe(keys[0]);
});

test('a member that asks for a pause gets it', async () => {
  const { join: answer } = here.member;
  here.member.join = () => {
    throw new FakeRefusal(8, 'CELL_E_RATE_LIMITED', 'Too often', 30_000);
  };
  const identity = await here.open({ joinToken: here.member.token });
  identity.start(() => undefined);
  await until(() => identity.joins.failed === 1 || undefined);
  here.member.join = answer;
  await here.clock.advance(29_000);
  expect(here.asks).toBe(1);
  await here.advancing(5_000, () => identity.joined || undefined);
});

test('a clock that differs by more than 5 minutes is told of with both times', async () => {
  here.member.clockOffsetMs = -400_000;
  await here.joined();
  expect(here.said.length).toBe(1);
  expect(here.said[0]).toMatch(
    /^The clock of this machine says \S+Z, and that of the control plane \S+Z\. Certificates need/,
  );
});

test('a clock that is behind by more than 5 minutes finds no certificate that is good yet, and says so', async () => {
  here.clock = new FakeClock(Date.now() - 400_000);
  const identity = await here.open({ joinToken: here.member.token });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('the clocks differ by more than 5 minutes') || undefined);
  expect(here.transcript).toEqual([]);
});

test('an answer that is for another node is not taken', async () => {
  here.member.join = () => ({
    chain: here.authority.credentials('cell:node:n2').chain,
    trust: [here.authority.certificate],
    timeMs: BigInt(Date.now()),
  });
  const identity = await here.open({ joinToken: here.member.token });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('a certificate that is not for this node') || undefined);
  expect(identity.joined).toBe(false);
});

test('a token from a fleet whose authority was replaced meanwhile names that as a reason', async () => {
  const old = new FakeAuthority('old');
  const identity = await here.open({ joinToken: tokenText(makeToken('join', old.pin)) });
  identity.start(() => undefined);
  await until(() => identity.problem.includes('if the authority was rotated, make a new token') || undefined);
  expect(here.transcript).toEqual([]);
});
