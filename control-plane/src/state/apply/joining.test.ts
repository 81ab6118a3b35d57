import { expect, test } from 'vitest';
import type { JoinNode, NewToken } from '../commands.ts';
import { NODE_IDENTITY_KEPT_MS, TOKEN_KEPT_MS, TOKENS_MAX } from '../limits.ts';
import { exampleInventory, TestFleet } from '../testing/fleet-arbitraries.ts';
import { exampleAuthority, exampleJoin, exampleJoinToken, exampleToken } from '../testing/identity-arbitraries.ts';

const create = (fleet: TestFleet, changes: Partial<NewToken> = {}) =>
  fleet.apply({ kind: 'create-token', token: exampleJoinToken(changes) });
const join = (fleet: TestFleet, changes: Partial<JoinNode['node']> = {}) =>
  fleet.apply({ kind: 'join-node', node: exampleJoin(changes) });
const revoke = (fleet: TestFleet, id: string) => fleet.apply({ kind: 'revoke-node', id });
const usesLeft = (fleet: TestFleet, id = 'j1') => fleet.tables.tokens.get(id)?.usesLeft;
const newEvents = (fleet: TestFleet) => fleet.change?.events.map(({ type, subject }) => `${type} ${subject}`);

function withToken(changes: Partial<NewToken> = {}): TestFleet {
  const fleet = new TestFleet();
  create(fleet, changes);
  return fleet;
}

test('a token is written as it was made, and known by its name', () => {
  const fleet = withToken();
  const row = { ...exampleJoinToken(), createdAtMs: fleet.timeMs, modifyIndex: 1 };
  expect(fleet.tables.tokens.get('j1')).toEqual(row);
  expect(newEvents(fleet)).toEqual(['TokenCreated token/join']);
  expect(fleet.change?.tokens).toEqual(['j1']);
});

test('two tokens never share a name or an id', () => {
  const fleet = withToken();
  expect(create(fleet, { id: 'j2' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(create(fleet, { name: 'other' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.apply({ kind: 'revoke-token', id: 'j1' });
  expect(create(fleet, { id: 'j2' })).toMatchObject({ ok: true });
});

test('a token that is revoked is gone, and revoking it again says so', () => {
  const fleet = withToken();
  expect(fleet.apply({ kind: 'revoke-token', id: 'j1' })).toMatchObject({ ok: true });
  expect(fleet.tables.tokens.size).toBe(0);
  expect(fleet.change?.tokens).toEqual(['j1']);
  expect(newEvents(fleet)).toEqual(['TokenRevoked token/join']);
  expect(fleet.apply({ kind: 'revoke-token', id: 'j1' })).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
});

test('there are no more tokens than the limit', () => {
  const fleet = new TestFleet();
  for (let made = 0; made < TOKENS_MAX; made += 1) {
    fleet.tables.identity.putToken({
      ...exampleToken({ id: `${made}`, name: `${made}` }),
      createdAtMs: 0,
      modifyIndex: 0,
    });
  }
  expect(create(fleet)).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
});

test('a machine joins by a token, which is used once by it', () => {
  const fleet = withToken();
  expect(join(fleet)).toMatchObject({ ok: true, unchanged: false });
  const row = { ...exampleJoin(), joinedAtMs: fleet.timeMs, revokedAtMs: undefined, modifyIndex: 2 };
  expect(fleet.tables.nodeIdentities.get('id-n1')).toEqual(row);
  expect(fleet.change).toMatchObject({ nodeIdentities: [row], tokens: ['j1'] });
  expect(newEvents(fleet)).toEqual(['NodeJoined node/n1']);
  expect(usesLeft(fleet)).toBe(0);
});

test('who got no answer may ask again, with the same token and key, and that counts no use', () => {
  const fleet = withToken({ usesLeft: 2 });
  join(fleet);
  expect(join(fleet)).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.change?.nodeIdentities).toEqual([]);
  expect(usesLeft(fleet)).toBe(1);
});

test.each<[string, Partial<NewToken>, RegExp]>([
  ['used up', { usesLeft: 0 }, /"join" is used up.*token create --role agent/],
  ['expired', { expiresAtMs: 1_002_000 }, /"join" has expired/],
  ['for another role', { role: 'control-plane' }, /is for the role control-plane/],
  ['for people', { role: 'admin', usesLeft: undefined }, /is for the role admin/],
  ['unknown', { id: 'other' }, /"j1" is unknown/],
])('nobody joins by a token that is %s', (_what, changes, message) => {
  const fleet = withToken(changes);
  const expected = { ok: false, code: 'CELL_E_FORBIDDEN', message: expect.stringMatching(message) };
  expect(join(fleet)).toMatchObject(expected);
  expect(fleet.tables.nodeIdentities.size).toBe(0);
});

test('a token is good until the moment at which it ends', () => {
  expect(join(withToken({ expiresAtMs: 1_002_001 }))).toMatchObject({ ok: true });
});

test('a token that has expired since does not let its own node ask again', () => {
  const fleet = withToken();
  join(fleet);
  fleet.timeMs = 3_000_000;
  expect(join(fleet)).toMatchObject({ ok: false, code: 'CELL_E_FORBIDDEN' });
});

test('another machine can not join with the id of one that has, whatever its token', () => {
  const fleet = withToken({ usesLeft: 5 });
  create(fleet, { id: 'j2', name: 'second' });
  join(fleet);
  expect(join(fleet, { keyHash: 'other' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(join(fleet, { keyHash: 'other', tokenId: 'j2' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect([usesLeft(fleet), usesLeft(fleet, 'j2')]).toEqual([4, 1]);
});

test('a node that was away for too long joins again by another token, with the key that it has', () => {
  const fleet = withToken();
  join(fleet);
  const joinedAtMs = fleet.timeMs;
  create(fleet, { id: 'j2', name: 'second' });
  expect(join(fleet, { tokenId: 'j2', authorityId: 'ca2' })).toMatchObject({ ok: true, unchanged: false });
  expect(fleet.tables.nodeIdentities.get('id-n1')).toMatchObject({ joinedAtMs, tokenId: 'j2', authorityId: 'ca2' });
  expect(usesLeft(fleet, 'j2')).toBe(0);
});

test('a certificate that was renewed is noted, for nodes that have joined and are not revoked', () => {
  const fleet = withToken();
  const node = { nodeId: 'id-n1', keyHash: 'new', authorityId: 'ca2', certificateExpiresAtMs: 99_000_000 };
  const forbidden = { ok: false, code: 'CELL_E_FORBIDDEN' };
  expect(fleet.apply({ kind: 'renew-node', node })).toMatchObject(forbidden);
  join(fleet);
  expect(fleet.apply({ kind: 'renew-node', node })).toMatchObject({ ok: true });
  expect(fleet.tables.nodeIdentities.get('id-n1')).toMatchObject({ ...node, tokenId: 'j1', name: 'n1' });
  revoke(fleet, 'id-n1');
  expect(fleet.apply({ kind: 'renew-node', node })).toMatchObject(forbidden);
});

test('a revoked node takes nothing at once, and never comes back', () => {
  const fleet = withToken({ usesLeft: 5 });
  join(fleet);
  fleet.node('n1');
  expect(revoke(fleet, 'id-n1')).toMatchObject({ ok: true, unchanged: false });
  const revokedAtMs = fleet.timeMs;
  expect(newEvents(fleet)).toEqual(['NodeRevoked node/n1']);
  expect(fleet.change?.nodeIdentities).toMatchObject([{ nodeId: 'id-n1', revokedAtMs }]);
  expect(fleet.change?.nodes).toMatchObject([{ eligible: false, statusMessage: 'Its identity was revoked' }]);
  expect(revoke(fleet, 'id-n1')).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.tables.nodeIdentities.get('id-n1')).toMatchObject({ revokedAtMs });

  expect(join(fleet)).toMatchObject({ ok: false, code: 'CELL_E_FORBIDDEN' });
  expect(fleet.node('n1')).toMatchObject({ ok: false, code: 'CELL_E_FORBIDDEN' });
  expect(fleet.setEligible('n1', true)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.undrain('n1')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.lose('n1');
  const nodes = [{ id: 'id-n1', status: 'ready' as const, message: 'It is back' }];
  expect(fleet.apply({ kind: 'set-node-status', nodes })).toMatchObject({ changed: 0 });
  expect(fleet.tables.nodes.get('id-n1')).toMatchObject({ status: 'lost', eligible: false });
});

test('the machine that comes with the name of a revoked one takes allocations', () => {
  const fleet = withToken();
  join(fleet);
  fleet.node('n1');
  revoke(fleet, 'id-n1');
  fleet.lose('n1');
  const about = { agentVersion: '0.1.0', httpAddress: '127.0.0.1:7603', inventory: exampleInventory() };
  fleet.apply({ kind: 'register-node', id: 'new', name: 'n1', ...about });
  expect(fleet.tables.nodes.get('new')).toMatchObject({ status: 'ready', eligible: true });
  expect(fleet.tables.nodeIdentities.has('id-n1')).toBe(true);
});

test('what was set of a node that is only lost holds for the machine that comes with its name', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  fleet.setEligible('n1', false);
  fleet.lose('n1');
  const about = { agentVersion: '0.1.0', httpAddress: '127.0.0.1:7603', inventory: exampleInventory() };
  fleet.apply({ kind: 'register-node', id: 'new', name: 'n1', ...about });
  expect(fleet.tables.nodes.get('new')).toMatchObject({ eligible: false });
});

test('a node that never joined can be revoked, and one that there is not can not', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  expect(revoke(fleet, 'id-n1')).toMatchObject({ ok: true, unchanged: false });
  expect(join(fleet)).toMatchObject({ ok: false, code: 'CELL_E_FORBIDDEN' });
  expect(revoke(fleet, 'id-n2')).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
});

test('who is invited joins by a token of the control plane, once', () => {
  const fleet = withToken({ role: 'control-plane', usesLeft: 3 });
  fleet.found(1, 2, 3);
  const joinMember = (id: number) => fleet.apply({ kind: 'join-member', tokenId: 'j1', id });
  expect(joinMember(4)).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(joinMember(2)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.invite(4);
  expect(joinMember(4)).toMatchObject({ ok: true });
  expect(usesLeft(fleet)).toBe(2);
  fleet.apply({ kind: 'admit-member', id: 4, incarnation: 'four' });
  expect(joinMember(4)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.apply({ kind: 'remove-member', id: 4 });
  expect(joinMember(4)).toMatchObject({ ok: false, code: 'CELL_E_REMOVED' });
  expect(usesLeft(fleet)).toBe(2);
});

test("an agent's token makes no member of anybody", () => {
  const fleet = withToken();
  fleet.found(1);
  fleet.invite(4);
  const result = fleet.apply({ kind: 'join-member', tokenId: 'j1', id: 4 });
  expect(result).toMatchObject({ ok: false, code: 'CELL_E_FORBIDDEN' });
});

test('the first authority and the first tokens are written once', () => {
  const fleet = new TestFleet();
  const tokens = [exampleToken({ role: 'admin' }), exampleJoinToken()];
  const found = () => fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca1'), tokens });
  expect(found()).toMatchObject({ ok: true });
  expect([...fleet.tables.tokens.keys()]).toEqual(['t1', 'j1']);
  expect(fleet.change).toMatchObject({ authorities: true, tokens: ['t1', 'j1'] });
  expect(found()).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
});

test('an authority is rotated only by who has seen the one that issues, and there are never more than four', () => {
  const fleet = new TestFleet();
  const rotate = (after: string, id: string) =>
    fleet.apply({ kind: 'rotate-authority', after, authority: exampleAuthority(id, after) });
  const retire = (id: string) => fleet.apply({ kind: 'retire-authority', id });
  expect(rotate('ca1', 'ca2')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca1'), tokens: [] });
  expect(retire('ca1')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(rotate('ca1', 'ca2')).toMatchObject({ ok: true });
  expect(newEvents(fleet)).toEqual(['AuthorityRotated authority/ca2']);
  expect(rotate('ca1', 'ca3')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(rotate('ca2', 'ca1')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  rotate('ca2', 'ca3');
  rotate('ca3', 'ca4');
  expect(rotate('ca4', 'ca5')).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(retire('ca2')).toMatchObject({ ok: true });
  expect(newEvents(fleet)).toEqual(['AuthorityRetired authority/ca2']);
  expect(fleet.change?.authorities).toBe(true);
  expect(retire('ca2')).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(fleet.tables.authorities.map(({ id }) => id)).toEqual(['ca1', 'ca3', 'ca4']);
});

test('tokens that expired a month ago are collected, and those that never expire stay', () => {
  const fleet = withToken({ expiresAtMs: 2_000_000 });
  create(fleet, { id: 'j2', name: 'for-ever', expiresAtMs: undefined });
  fleet.timeMs = 2_000_000 + TOKEN_KEPT_MS - 2_000;
  fleet.apply({ kind: 'collect-garbage' });
  expect(fleet.tables.tokens.size).toBe(2);
  fleet.apply({ kind: 'collect-garbage' });
  expect([...fleet.tables.tokens.keys()]).toEqual(['j2']);
  expect(fleet.change?.tokens).toEqual(['j1']);
});

test('identities of nodes that are gone are collected, but for revoked ones', () => {
  const fleet = withToken({ usesLeft: 5 });
  for (const number of [1, 2, 3]) join(fleet, { nodeId: `id-n${number}`, name: `n${number}` });
  fleet.node('n1');
  revoke(fleet, 'id-n2');
  fleet.timeMs = exampleJoin().certificateExpiresAtMs + NODE_IDENTITY_KEPT_MS;
  fleet.apply({ kind: 'collect-garbage' });
  expect([...fleet.tables.nodeIdentities.keys()]).toEqual(['id-n1', 'id-n2']);
});
