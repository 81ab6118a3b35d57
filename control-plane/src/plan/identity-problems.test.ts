import { expect, test } from 'vitest';
import { TestFleet } from '../state/testing/fleet-arbitraries.ts';
import {
  exampleAuthority,
  exampleJoin,
  exampleJoinToken,
  exampleToken,
} from '../state/testing/identity-arbitraries.ts';
import { identityProblems } from './identity-problems.ts';
import { PROBLEMS_PER_KIND_MAX } from './limits.ts';
import { describeReplaced } from './replaced-authority-text.ts';

const lifetimeMs = 24 * 3_600_000;

function founded(): TestFleet {
  const fleet = new TestFleet();
  const tokens = [exampleJoinToken({ usesLeft: 100, expiresAtMs: undefined })];
  fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca1'), tokens });
  return fleet;
}

function join(fleet: TestFleet, name: string, certificateExpiresAtMs: number): void {
  fleet.apply({
    kind: 'join-node',
    node: exampleJoin({ nodeId: `id-${name}`, name, keyHash: name, certificateExpiresAtMs }),
  });
  fleet.node(name);
}

function told(fleet: TestFleet, laterMs = 0): string {
  const nowMs = fleet.timeMs + laterMs;
  const replaced = describeReplaced(fleet.tables, nowMs, lifetimeMs);
  const notices = replaced === undefined || replaced.isPressing ? [] : [{ severity: 'notice', ...replaced }];
  return [...notices, ...identityProblems(fleet.tables, nowMs, lifetimeMs)]
    .map(({ severity, message, advice }) => `\n${severity}: ${message}\n  ${advice}`)
    .join('');
}

test('certificates are told once less than a quarter of their life is left, of nodes that are ready', () => {
  const fleet = founded();
  join(fleet, 'a', fleet.timeMs + lifetimeMs);
  join(fleet, 'b', fleet.timeMs + lifetimeMs);
  fleet.apply({ kind: 'set-node-status', nodes: [{ id: 'id-b', status: 'lost', message: '' }] });
  const endsMs = fleet.tables.nodeIdentities.get('id-a')!.certificateExpiresAtMs - fleet.timeMs;
  expect(told(fleet, endsMs - lifetimeMs / 4)).toBe('');
  expect(told(fleet, endsMs - lifetimeMs / 4 + 1)).toMatchInlineSnapshot(`
    "
    warning: The certificate of node "a" ends in 6 h 0 min, and was not renewed
      Look at the log of its agent, and at its clock"
  `);
  expect(told(fleet, endsMs)).toMatch(/The certificate of node "a" has ended, and was not renewed/);
  fleet.apply({ kind: 'revoke-node', id: 'id-a' });
  expect(told(fleet, endsMs)).toBe('');
});

test('an authority that is being replaced is told, with who still needs it', () => {
  const fleet = founded();
  for (const name of ['c', 'a', 'b', 'f', 'e', 'd']) join(fleet, name, fleet.timeMs + 10 * lifetimeMs);
  fleet.apply({ kind: 'rotate-authority', after: 'ca1', authority: exampleAuthority('ca2', 'ca1') });
  expect(told(fleet, 3 * 3_600_000)).toMatchInlineSnapshot(`
    "
    notice: Authority "ca1" was replaced 3 h 0 min ago and is trusted for 21 h 0 min more: certificates from it are still with a, b, c, d, e and 1 more. 1 token pins it and must be made anew before that, or used with --cacert: an admin sees it with "cellctl token list"
      Nodes renew by themselves; "cellctl ca retire" ends it at once, and who still needs it must join anew"
  `);
  const { tables } = fleet;
  for (const { nodeId, keyHash, certificateExpiresAtMs } of tables.nodeIdentities.values()) {
    const node = { nodeId, keyHash, authorityId: 'ca2', certificateExpiresAtMs };
    fleet.apply({ kind: 'renew-node', node });
  }
  const later = told(fleet, 3 * lifetimeMs);
  expect(later).toMatch(/was replaced 3 days ago and is due to be retired, .*: no node needs it any more/);
  fleet.apply({ kind: 'retire-authority', id: 'ca1' });
  expect(told(fleet)).toBe('');
});

test('a replaced authority is no problem before those who need it have little time left, or it should be gone', () => {
  const fleet = founded();
  join(fleet, 'a', fleet.timeMs + 10 * lifetimeMs);
  fleet.apply({ kind: 'rotate-authority', after: 'ca1', authority: exampleAuthority('ca2', 'ca1') });
  const goneMs = fleet.tables.authorities[1]!.createdAtMs + lifetimeMs;
  const pressingAt = (nowMs: number) => told(fleet, nowMs - fleet.timeMs).startsWith('\nwarning: Authority');
  expect(pressingAt(goneMs - lifetimeMs / 4)).toBe(false);
  expect(pressingAt(goneMs - lifetimeMs / 4 + 1)).toBe(true);
  const { nodeId, keyHash, certificateExpiresAtMs } = fleet.tables.nodeIdentities.get('id-a')!;
  const node = { nodeId, keyHash, authorityId: 'ca2', certificateExpiresAtMs };
  fleet.apply({ kind: 'renew-node', node });
  // Tokens alone depend on it, and then nobody does.
  expect(pressingAt(goneMs)).toBe(true);
  fleet.apply({ kind: 'revoke-token', id: 'j1' });
  expect(pressingAt(goneMs)).toBe(false);
  expect(pressingAt(goneMs + 5 * 60_000)).toBe(false);
  expect(pressingAt(goneMs + 5 * 60_000 + 1)).toBe(true);
});

test('not all of many certificates are told', () => {
  const fleet = founded();
  for (let node = 0; node <= PROBLEMS_PER_KIND_MAX; node += 1) join(fleet, `n${node}`, fleet.timeMs);
  expect(identityProblems(fleet.tables, fleet.timeMs, lifetimeMs)).toHaveLength(PROBLEMS_PER_KIND_MAX);
});

test('tokens that pin a replaced authority are counted, but for those that are over or were made since', () => {
  const fleet = founded();
  const add = (name: string, more: object) =>
    fleet.apply({ kind: 'create-token', token: exampleToken({ id: name, name, ...more }) });
  add('for-ever', { expiresAtMs: undefined });
  add('soon-over', { expiresAtMs: fleet.timeMs + 3_600_000 });
  add('used-up', { ...exampleJoinToken({ usesLeft: 0 }), id: 'used-up', name: 'used-up', expiresAtMs: undefined });
  fleet.apply({ kind: 'rotate-authority', after: 'ca1', authority: exampleAuthority('ca2', 'ca1') });
  add('new', { expiresAtMs: undefined });
  // The one that made the fleet is there too.
  expect(told(fleet)).toContain('. 3 tokens pin it and must be made anew before that');
  expect(told(fleet, 2 * 3_600_000)).toContain('. 2 tokens pin it');
  for (const id of ['for-ever', 'j1']) fleet.apply({ kind: 'revoke-token', id });
  expect(told(fleet, 2 * 3_600_000)).not.toContain('pin');
});
