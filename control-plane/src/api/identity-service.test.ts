import { X509Certificate } from 'node:crypto';
import { parseToken, pinOf, secretHash, subjectUri } from '@cell/identity';
import {
  type CreateTokenRequestSchema,
  IdentityService,
  type ListAuditResponse,
  NodeService,
  type Outgoing,
  Role,
} from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addNode } from '../execute/testing/example-fleet.ts';
import { exampleJoin, exampleNote } from '../state/testing/identity-arbitraries.ts';
import { paperAuthority } from './testing/paper-authority.ts';
import { PaperMember } from './testing/paper-member.ts';
import { keyFor, nobody, node, person, ToldGuard, writeToken } from './testing/paper-people.ts';

const { method } = IdentityService;
const dayMs = 86_400_000;

let guard: ToldGuard;
let member: PaperMember;
let authorityId: string;

beforeEach(async () => {
  guard = new ToldGuard();
  member = await PaperMember.start(guard);
  const authority = paperAuthority();
  authorityId = authority.id;
  member.consensus.write({ kind: 'found-authority', timeMs: 1_000, authority, tokens: [] });
});

afterEach(() => member.stop());

const state = () => member.consensus.state;

/** Code and text of the refusal. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (cause: { code: string; message: string }) => cause,
  );
  return error === undefined ? 'done' : `${error.code}: ${error.message}`;
}

function create(request: Outgoing<typeof CreateTokenRequestSchema>) {
  return member.call(method.createToken, request);
}

test('a token is told once, and only its hash is kept', async () => {
  const { token, text } = await create({ name: 'deploy', role: Role.OPERATOR, namespace: 'team-a', ttlSeconds: 60n });
  const { id, secret, pin } = parseToken(text, 'access');
  expect(pin).toBe(member.issuer.pin);
  expect(token).toMatchObject({ id, name: 'deploy', role: Role.OPERATOR, namespace: 'team-a' });
  expect(token?.createdBy).toBe('token/root (aaaaaaaaaa)');
  const row = state().tokens.get(id)!;
  expect(row).toMatchObject({ role: 'operator', secretHash: secretHash(secret), usesLeft: undefined });
  expect(row.expiresAtMs).toBe(row.createdAtMs + 60_000);
  expect(JSON.stringify([member.consensus.commands, [...state().tokens.values()]])).not.toContain(secret);
  const audit = { method: 'IdentityService/CreateToken', subject: `token/deploy (${id}) as operator`, outcome: 'ok' };
  expect(state().audit.at(-1)).toMatchObject({ actor: 'token/root (aaaaaaaaaa)', ...audit });
  const { tokens } = await member.call(method.listTokens, {});
  expect(tokens.map(({ name }) => name)).toEqual(['deploy']);
});

test('a token to join with can be used once, unless more is asked for, and ends', async () => {
  const { token, text } = await create({ name: 'rack', role: Role.AGENT, ttlSeconds: 3_600n });
  expect(text).toMatch(/^celljoin_/);
  expect(token?.usesLeft).toBe(1);
  const many = await create({ name: 'racks', role: Role.AGENT, ttlSeconds: 3_600n, uses: 40 });
  expect(many.token?.usesLeft).toBe(40);
  const peer = await create({ name: 'peer', role: Role.CONTROL_PLANE, ttlSeconds: 3_600n });
  expect(state().tokens.get(peer.token!.id)).toMatchObject({ role: 'control-plane', usesLeft: 1 });
});

test.each<[string, Outgoing<typeof CreateTokenRequestSchema>, RegExp]>([
  ['without a name', { role: Role.VIEWER }, /can't be called ""/],
  ['with an odd name', { name: 'a b', role: Role.VIEWER }, /can't be called "a b"/],
  ['with a long name', { name: 'a'.repeat(64), role: Role.VIEWER }, /can't be called "a{64}"/],
  ['without a role', { name: 'a' }, /role of the token is missing/],
  ['with a role of the future', { name: 'a', role: 99 as Role }, /role of the token is missing/],
  ['to join with that never ends', { name: 'a', role: Role.AGENT }, /must end/],
  ['to join with for long', { name: 'a', role: Role.AGENT, ttlSeconds: 2_592_001n }, /30 days at most/],
  ['for a person for centuries', { name: 'a', role: Role.VIEWER, ttlSeconds: 2n ** 63n }, /3650 days at most/],
  ['to join with for armies', { name: 'a', role: Role.AGENT, ttlSeconds: 1n, uses: 10_001 }, /10000 times at most/],
  ['for a person that is counted', { name: 'a', role: Role.ADMIN, uses: 1 }, /counted of tokens to join with/],
  ['of an admin of a part', { name: 'a', role: Role.ADMIN, namespace: 'x' }, /Only viewers and operators/],
  ['of an agent of a part', { name: 'a', role: Role.AGENT, ttlSeconds: 1n, namespace: 'x' }, /Only viewers/],
  ['for an odd namespace', { name: 'a', role: Role.VIEWER, namespace: 'A/b' }, /Namespace can't be called "A\/b"/],
])('a token %s is refused', async (_case, request, why) => {
  const before = member.consensus.commands.length;
  expect(await refusal(create(request))).toMatch(why);
  expect(member.consensus.commands).toHaveLength(before);
});

test('nobody makes a token that can do more than he can, also if the guard let him', async () => {
  const agent = { name: 'a', role: Role.AGENT, ttlSeconds: 60n };
  for (const caller of [person({ role: 'operator' }), person({ namespace: 'x' }), node('n1'), nobody]) {
    guard.caller = caller;
    expect(await refusal(create({ name: 'a', role: Role.ADMIN }))).toMatch(/^CELL_E_FORBIDDEN/);
    expect(await refusal(create(agent))).toMatch(/^CELL_E_FORBIDDEN/);
  }
  guard.caller = person({ role: 'operator', namespace: 'x' });
  expect(await refusal(create({ name: 'a', role: Role.VIEWER }))).toMatch(/^CELL_E_FORBIDDEN/);
  expect(await refusal(create({ name: 'a', role: Role.VIEWER, namespace: 'x' }))).toBe('done');
});

test('two tokens have no name in common', async () => {
  await create({ name: 'a', role: Role.VIEWER });
  expect(await refusal(create({ name: 'a', role: Role.OPERATOR }))).toMatch(/^CELL_E_CONFLICT/);
});

test('a token is revoked by its name or its id, but not the last one of an admin', async () => {
  const first = await create({ name: 'first', role: Role.ADMIN });
  await create({ name: 'other', role: Role.VIEWER });
  const ended = await create({ name: 'ended', role: Role.ADMIN, ttlSeconds: 1n });
  const row = state().tokens.get(ended.token!.id)!;
  // As if its time had come.
  await expect.poll(() => Date.now() > row.expiresAtMs!, { timeout: 5_000 }).toBe(true);
  const revoke = (token: string) => refusal(member.call(method.revokeToken, { token }));
  expect(await revoke('first')).toMatch(/^CELL_E_CONFLICT: Token "first" is the last one of an admin/);
  await create({ name: 'second', role: Role.ADMIN });
  expect(await revoke(first.token!.id)).toBe('done');
  expect(await revoke('second')).toMatch(/^CELL_E_CONFLICT/);
  expect(await revoke('other')).toBe('done');
  expect(await revoke('other')).toMatch(/^CELL_E_NOT_FOUND: There is no token "other"/);
  expect(await revoke('')).toMatch(/^CELL_E_INVALID/);
});

test('a caller is told who he is and whom to trust', async () => {
  const { token } = await create({ name: 'ann', role: Role.VIEWER });
  guard.caller = person({ tokenId: token!.id, name: 'ann', role: 'viewer', certificateExpiresAtMs: 5_000 });
  const answer = await member.call(method.getCaller, {});
  expect(answer).toMatchObject({ cluster: 'paper', controlPlaneAddresses: ['g1', 'g2', 'g3'] });
  expect(answer.token).toMatchObject({ name: 'ann', role: Role.VIEWER });
  expect(answer.trust).toEqual(member.issuer.trust);
  expect(answer.certificateExpiresAt?.seconds).toBe(5n);
});

test('a certificate in the place of a token names it, and ends with it', async () => {
  const text = writeToken(member, 'access', { name: 'ann', expiresAtMs: Date.now() + 60_000 });
  const { id } = parseToken(text, 'access');
  guard.caller = person({ tokenId: id, name: 'ann' });
  const key = keyFor(subjectUri({ kind: 'token', id }));
  const { chain, expiresAt } = await member.call(method.issueCertificate, key);
  expect(chain).toBe(`certificate of token ${id} by ${authorityId}`);
  expect(Number(expiresAt!.seconds) * 1_000).toBeLessThanOrEqual(state().tokens.get(id)!.expiresAtMs!);
  const foreign = keyFor(subjectUri({ kind: 'token', id: 'bbbbbbbbbb' }));
  expect(await refusal(member.call(method.issueCertificate, foreign))).toMatch(/^CELL_E_INVALID/);
  const asNode = keyFor(subjectUri({ kind: 'node', id }));
  expect(await refusal(member.call(method.issueCertificate, asNode))).toMatch(/^CELL_E_INVALID/);
  for (const caller of [node('n1'), nobody, person({ tokenId: 'revoked' })]) {
    guard.caller = caller;
    expect(await refusal(member.call(method.issueCertificate, key))).toMatch(/^CELL_E_FORBIDDEN/);
  }
  expect(member.issuer.issued).toEqual([`cell:token:${id}`]);
});

test('one authority takes over from another, one at a time, and can be retired by hand', async () => {
  writeToken(member, 'join', { id: 'j1', usesLeft: 5 });
  for (const name of ['n1', 'n2']) {
    const at = { authorityId, certificateExpiresAtMs: Date.now() + dayMs };
    const joined = exampleJoin({ nodeId: name, name: `was ${name}`, keyHash: name, ...at });
    member.consensus.write({ kind: 'join-node', timeMs: 0, node: joined });
    addNode(member.consensus, name);
  }
  member.consensus.write({ kind: 'revoke-node', timeMs: 0, id: 'n2' });
  writeToken(member, 'access', { id: 'kept', name: 'kept' }, 2_000);
  const { authority, replaced } = await member.call(method.rotateAuthority, {});
  // The token that both nodes joined with is older than the authority: it pins one that is gone.
  expect(replaced).toMatchObject([{ id: authorityId, nodes: 1, tokens: 1 }]);
  expect(authority?.issuing).toBe(true);
  const { authorities, keyId } = await member.call(method.getAuthorities, {});
  expect(authorities.map(({ id, issuing, nodes }) => [id, issuing, nodes])).toEqual([
    [authorityId, false, 1],
    [authority!.id, true, 0],
  ]);
  expect(Number(authorities[0]!.retiresAt!.seconds)).toBe(Number(authorities[1]!.createdAt!.seconds) + dayMs / 1_000);
  expect([authorities[1]!.retiresAt, authorities[1]!.tokens]).toEqual([undefined, 0]);
  expect(authorities[0]).toMatchObject({ nodeNames: ['n1'], createdAt: { seconds: 1n } });
  const [old] = authorities;
  expect(old!.pin).toBe(pinOf(old!.certificate));
  expect(Number(old!.expiresAt!.seconds) * 1_000).toBe(new X509Certificate(old!.certificate).validToDate.getTime());
  expect(keyId).toBe('key1');
  const again = await refusal(member.call(method.rotateAuthority, {}));
  expect(again).toMatch(/^CELL_E_CONFLICT: Authority ".*" is being replaced already, and 1 nodes/);
  const retire = (id: string) => refusal(member.call(method.retireAuthority, { authority: id }));
  expect(await retire(authority!.id)).toMatch(/^CELL_E_CONFLICT/);
  expect(await retire('nope')).toMatch(/^CELL_E_NOT_FOUND/);
  expect(await retire('')).toMatch(/^CELL_E_NOT_FOUND/);
  expect(await retire(authorityId.slice(0, 12))).toBe('done');
  expect(state().authorities.map(({ id }) => id)).toEqual([authority!.id]);
  const noted = state().audit.map((entry) => `${entry.method} ${entry.subject} ${entry.outcome}`);
  expect(noted).toEqual([
    `IdentityService/RotateAuthority authority/${authority!.id} ok`,
    `IdentityService/RetireAuthority authority/${authority!.id} CELL_E_CONFLICT`,
    `IdentityService/RetireAuthority authority/${authorityId} ok`,
  ]);
});

test('the audit log comes in parts, whole or its end, with its anchor once', async () => {
  for (let entry = 0; entry < 1_200; entry += 1) {
    const notes = [{ ...exampleNote({ subject: `job/${entry}` }), outcome: 'CELL_E_FORBIDDEN', count: 1 }];
    member.consensus.write({ kind: 'note-audit', timeMs: entry, notes });
  }
  const list = async (request: { afterSequence?: bigint; limit?: number }) => {
    const parts: ListAuditResponse[] = [];
    for await (const part of member.stream(method.listAudit, request)) parts.push(part);
    return parts;
  };
  const all = await list({});
  expect(all.map(({ entries }) => entries.length)).toEqual([500, 500, 200]);
  const entries = all.flatMap((part) => part.entries);
  expect(entries.map(({ sequence }) => Number(sequence))).toEqual(entries.map((_entry, place) => place + 1));
  expect(entries.at(-1)).toMatchObject({ subject: 'job/1199', outcome: 'CELL_E_FORBIDDEN', timeMs: 1_199n });
  expect(entries.at(-1)?.hash).toBe(state().audit.at(-1)?.hash);
  const end = await list({ limit: 2 });
  expect(end.flatMap((part) => part.entries.map(({ sequence }) => sequence))).toEqual([1_199n, 1_200n]);
  const after = await list({ afterSequence: 1_198n, limit: 1 });
  expect(after.flatMap((part) => part.entries.map(({ sequence }) => sequence))).toEqual([1_200n]);
  expect(await list({ afterSequence: 5_000n })).toMatchObject([{ entries: [], anchor: '' }]);
});

test('a node that is revoked is told so, and stays out', async () => {
  addNode(member.consensus, 'n1');
  const { node: revoked } = await member.call(NodeService.method.revokeNode, { node: 'n1' });
  expect(revoked).toMatchObject({ name: 'n1', revoked: true, eligible: false });
  expect(state().audit.at(-1)).toMatchObject({ method: 'NodeService/RevokeNode', outcome: 'ok' });
  const missing = member.call(NodeService.method.revokeNode, { node: 'n7' });
  expect(await refusal(missing)).toMatch(/^CELL_E_NOT_FOUND/);
});
