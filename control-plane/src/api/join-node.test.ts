import { makeToken, tokenText } from '@cell/identity';
import { AgentService, type JoinRequestSchema, type Outgoing } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { paperAuthority } from './testing/paper-authority.ts';
import { PaperMember } from './testing/paper-member.ts';
import { nobody, node, nodeKey, person, ToldGuard, writeToken } from './testing/paper-people.ts';

const { join, renewCertificate } = AgentService.method;

let guard: ToldGuard;
let member: PaperMember;
let authorityId: string;

beforeEach(async () => {
  guard = new ToldGuard();
  guard.caller = nobody;
  member = await PaperMember.start(guard);
  const authority = paperAuthority();
  authorityId = authority.id;
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority, tokens: [] });
});

afterEach(() => member.stop());

const identity = (id: string) => member.consensus.state.nodeIdentities.get(id);

function ask(token: string, key = nodeKey('n1'), changes: Outgoing<typeof JoinRequestSchema> = {}) {
  return member.call(join, { token, nodeId: 'n1', nodeName: 'one', ...key, ...changes });
}

/** Code and text of the refusal. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (cause: { code: string; message: string }) => cause,
  );
  return error === undefined ? 'let in' : `${error.code}: ${error.message}`;
}

function renew(nodeId: string, key = nodeKey(nodeId)) {
  return member.call(renewCertificate, key);
}

test('a token makes a machine a node: it gets a certificate, and the token is used up', async () => {
  const text = writeToken(member, 'join', { id: 'tokenid234', name: 'rack-1' });
  const before = Date.now();
  const answer = await ask(text);
  expect(answer.chain).toBe(`certificate of node n1 by ${authorityId}`);
  expect(answer.trust).toEqual(member.issuer.trust);
  expect(Number(answer.timeMs)).toBeGreaterThanOrEqual(before);
  expect(identity('n1')).toMatchObject({ name: 'one', tokenId: 'tokenid234', authorityId, revokedAtMs: undefined });
  expect(member.consensus.state.tokens.get('tokenid234')?.usesLeft).toBe(0);
  const audit = member.consensus.state.audit.at(-1);
  const subject = 'node/n1 by token/rack-1 (tokenid234)';
  expect(audit).toMatchObject({ actor: 'nobody', method: 'AgentService/Join', subject, outcome: 'ok' });
  const secret = text.split('_')[2]!;
  expect(JSON.stringify(member.consensus.commands)).not.toContain(secret);
});

test('a node that got no answer asks again with the same key, and its token is counted once', async () => {
  const text = writeToken(member, 'join', { id: 'tokenid234', usesLeft: 1 });
  const key = nodeKey('n1');
  await ask(text, key);
  const endedMs = identity('n1')!.certificateExpiresAtMs;
  await expect.poll(() => Date.now() + member.lifetimeMs > endedMs).toBe(true);
  expect((await ask(text, key)).chain).toContain('node n1');
  expect(member.consensus.state.tokens.get('tokenid234')?.usesLeft).toBe(0);
  expect(identity('n1')!.certificateExpiresAtMs).toBeGreaterThan(endedMs);
  // Whoever has the token and the key could ask without end, and push the entries of others out of the audit log.
  expect(member.consensus.commands.filter(({ audit }) => audit !== undefined)).toHaveLength(1);
  expect(await refusal(ask(text))).toMatch(/^CELL_E_FORBIDDEN: Token ".*" is used up/);
  const other = writeToken(member, 'join');
  expect(await refusal(ask(other))).toMatch(/^CELL_E_CONFLICT: Another machine has joined as node "n1"/);
});

test('a used-up token is worth nothing to who finds it', async () => {
  const text = writeToken(member, 'join', { name: 'once' });
  await ask(text);
  const thief = ask(text, nodeKey('n2'), { nodeId: 'n2' });
  expect(await refusal(thief)).toMatch(/^CELL_E_FORBIDDEN: Token "once" is used up; make another one/);
  expect(identity('n2')).toBeUndefined();
  expect(member.issuer.issued).toEqual(['cell:node:n1']);
});

test('who guesses is told the same, whether there is such a token or not', async () => {
  const real = writeToken(member, 'join', { name: 'real', expiresAtMs: 1 });
  const [, id] = real.split('_');
  const guess = makeToken('join', member.issuer.pin);
  const known = await refusal(ask(tokenText({ ...guess, id: id! })));
  expect(known).toMatch(/^CELL_E_UNAUTHENTICATED: The token is not known/);
  expect(await refusal(ask(tokenText(guess)))).toBe(known);
  expect(member.issuer.issued).toEqual([]);
});

test('who has the secret is told what is wrong with the token', async () => {
  const of = (changes: Parameters<typeof writeToken>[2]) => refusal(ask(writeToken(member, 'join', changes)));
  expect(await of({ name: 'old', expiresAtMs: 5 })).toMatch(/^CELL_E_FORBIDDEN: Token "old" ended at 1970-01-01/);
  expect(await of({ name: 'peer', role: 'control-plane' })).toMatch(/^CELL_E_FORBIDDEN: Token "peer" has the role/);
  expect(await of({ name: 'person', role: 'admin', usesLeft: undefined })).toMatch(/^CELL_E_FORBIDDEN: Token "person"/);
  const good = writeToken(member, 'join');
  expect(await refusal(ask(`${good}x`))).toMatch(
    /^CELL_E_UNAUTHENTICATED: The token was copied wrongly: it is too long/,
  );
  expect(await refusal(ask(good.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))))).toMatch(/copied wrongly/);
  const access = writeToken(member, 'access');
  expect(await refusal(ask(access))).toMatch(/^CELL_E_UNAUTHENTICATED: This token is one to make calls with/);
  expect(member.issuer.issued).toEqual([]);
});

test('a machine whose clock is wrong is told so, and its token is not used up by that', async () => {
  const text = writeToken(member, 'join', { id: 'tokenid234' });
  const key = nodeKey('n1');
  const at = (minutes: number) => ask(text, key, { timeMs: BigInt(Date.now() + minutes * 60_000) });
  expect(await refusal(at(10))).toMatch(/^CELL_E_CLOCK_SKEW: .* about 10 minutes ahead of the control plane's/);
  expect(await refusal(at(-10))).toMatch(/^CELL_E_CLOCK_SKEW: .* about 10 minutes behind the control plane's/);
  expect(identity('n1')).toBeUndefined();
  expect(member.consensus.state.tokens.get('tokenid234')?.usesLeft).toBe(1);
  expect((await at(4.5)).chain).toContain('node n1');
});

test('a key counts only with the proof of who has it, for the node that it is asked for', async () => {
  const text = writeToken(member, 'join');
  const { publicKey } = nodeKey('n1');
  const foreign = { publicKey, proof: nodeKey('n1').proof };
  expect(await refusal(ask(text, foreign))).toMatch(/^CELL_E_INVALID: The public key/);
  expect(await refusal(ask(text, nodeKey('n2')))).toMatch(/^CELL_E_INVALID: The public key/);
  const nonsense = { publicKey: Buffer.alloc(10_000), proof: Buffer.from('x') };
  expect(await refusal(ask(text, nonsense))).toMatch(/^CELL_E_INVALID: The public key/);
  expect(await refusal(ask(text, nodeKey('no id'), { nodeId: 'no id' }))).toMatch(/^CELL_E_INVALID.*node_id/);
  expect(await refusal(ask(text, nodeKey('n1'), { nodeName: 'a b' }))).toMatch(/^CELL_E_INVALID.*node_name/);
  expect((await ask(text)).chain).not.toBe('');
});

test('a member that lags looks again before it turns a token away', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  member.consensus.lag = promise;
  const other = await PaperMember.start();
  const text = writeToken(other, 'join', { id: 'tokenid234' });
  const row = other.consensus.state.tokens.get('tokenid234')!;
  other.stop();
  const asked = ask(text);
  member.consensus.write({ kind: 'create-token', timeMs: 0, token: row });
  resolve();
  expect((await asked).chain).toContain('node n1');
});

test('a revoked node does not come back by any token', async () => {
  const key = nodeKey('n1');
  const text = writeToken(member, 'join', { usesLeft: 5 });
  await ask(text, key);
  member.consensus.write({ kind: 'revoke-node', timeMs: 0, id: 'n1' });
  expect(await refusal(ask(text, key))).toMatch(/^CELL_E_FORBIDDEN: Node "n1" was revoked/);
  guard.caller = node('n1');
  expect(await refusal(renew('n1'))).toMatch(/^CELL_E_FORBIDDEN: Node "n1" has no identity here any more/);
  expect(identity('n1')?.revokedAtMs).toBe(0);
});

test('a node renews its certificate with another key, also once it has ended', async () => {
  await ask(writeToken(member, 'join'));
  const { keyHash } = identity('n1')!;
  guard.caller = node('n1', true);
  const answer = await renew('n1');
  expect(answer.chain).toBe(`certificate of node n1 by ${authorityId}`);
  expect(identity('n1')!.keyHash).not.toBe(keyHash);
  expect(member.consensus.state.audit.at(-1)?.method).toBe('AgentService/Join');
});

test('a node renews for itself only, and nobody else does', async () => {
  await ask(writeToken(member, 'join'));
  guard.caller = node('n2');
  expect(await refusal(renew('n1'))).toMatch(/^CELL_E_FORBIDDEN/);
  guard.caller = node('n1');
  expect(await refusal(renew('n1', nodeKey('n2')))).toMatch(/^CELL_E_INVALID/);
  for (const caller of [person(), nobody]) {
    guard.caller = caller;
    expect(await refusal(renew('n1'))).toMatch(/^CELL_E_FORBIDDEN: Only a node may do this/);
  }
});

test('while an authority takes over, a node is not given a certificate from the one that goes', async () => {
  await ask(writeToken(member, 'join'));
  guard.caller = node('n1');
  const { authority, after } = await member.issuer.successor();
  member.consensus.write({ kind: 'rotate-authority', timeMs: 0, after, authority });
  member.issuer.lags = 3;
  expect((await renew('n1')).chain).toBe(`certificate of node n1 by ${authority.id}`);
});
