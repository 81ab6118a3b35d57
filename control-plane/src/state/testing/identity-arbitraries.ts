/** Examples of who is who, and random changes of it. What must never show outside of its table has SECRET_MARK in it. */
import fc from 'fast-check';
import type { AuditNote } from '../../model/identity.ts';
import type { Command, JoinNode, NewAuthority, NewToken } from '../commands.ts';
import type { Untimed } from './untimed.ts';

export const SECRET_MARK = 'never-to-be-seen';

export function exampleToken(changes: Partial<NewToken> = {}): NewToken {
  return {
    id: 't1',
    name: 'ann',
    role: 'operator',
    namespace: undefined,
    secretHash: `${SECRET_MARK}-hash`,
    createdBy: 'token/root (t0)',
    expiresAtMs: undefined,
    usesLeft: undefined,
    ...changes,
  };
}

export function exampleJoinToken(changes: Partial<NewToken> = {}): NewToken {
  return exampleToken({ id: 'j1', name: 'join', role: 'agent', usesLeft: 1, expiresAtMs: 2_000_000, ...changes });
}

export function exampleAuthority(id: string, after = '', key = 'key1'): NewAuthority {
  const crossCertificate = after === '' ? '' : `${id} by ${after}`;
  return { id, certificate: `of ${id}`, crossCertificate, sealedKey: `${key}.${SECRET_MARK}.${id}` };
}

export function exampleJoin(changes: Partial<JoinNode['node']> = {}): JoinNode['node'] {
  return {
    nodeId: 'id-n1',
    name: 'n1',
    tokenId: 'j1',
    keyHash: 'key-n1',
    authorityId: 'ca1',
    certificateExpiresAtMs: 90_000_000,
    ...changes,
  };
}

export function exampleNote(changes: Partial<AuditNote> = {}): AuditNote {
  return {
    actor: 'token/ann (t1)',
    method: 'JobService/SubmitJob',
    subject: 'job/web',
    from: '10.0.0.7',
    ...changes,
  };
}

export const noteArbitrary: fc.Arbitrary<AuditNote> = fc
  .record({
    actor: fc.constantFrom('token/ann (t1)', 'nobody', 'node/id-n1'),
    // Callers choose some of it: a lone surrogate, quotes, and more than is kept.
    subject: fc.constantFrom('job/web', '', 'job/"\ud800"\n', `job/${'ü'.repeat(300)}`),
  })
  .map((changes) => exampleNote(changes));

const pick = (prefix: string, count: number) => fc.nat(count - 1).map((number) => `${prefix}${number}`);
/** Mostly with the key in force, which is the first one until something is sealed with the second one. */
const sealingKey = fc.constantFrom('key1', 'key1', 'key2');
const sealed = fc.tuple(sealingKey, fc.nat(30)).map(([key, length]) => `${key}.${SECRET_MARK}.${'x'.repeat(length)}`);

/** Few ids and names, so that commands meet each other. */
export function identityArbitrary(): fc.Arbitrary<Untimed> {
  return fc.oneof(
    { weight: 6, arbitrary: tokenArbitrary() },
    { weight: 6, arbitrary: joinArbitrary() },
    { weight: 3, arbitrary: authorityArbitrary() },
    { weight: 4, arbitrary: secretArbitrary() },
    { weight: 1, arbitrary: noteAuditArbitrary() },
  );
}

function tokenArbitrary(): fc.Arbitrary<Untimed> {
  const token = fc
    .record({
      id: pick('t', 6),
      name: pick('token-', 5),
      role: fc.constantFrom('viewer', 'agent', 'agent', 'agent', 'control-plane'),
      namespace: fc.constantFrom(undefined, 'team-a'),
      expiresAtMs: fc.constantFrom(undefined, 1_040_000, 9_000_000),
      usesLeft: fc.constantFrom(undefined, 1, 2),
    })
    .map((changes) => exampleToken(changes as Partial<NewToken>));
  return fc.oneof(
    { weight: 4, arbitrary: token.map((one): Untimed => ({ kind: 'create-token', token: one })) },
    { weight: 1, arbitrary: pick('t', 6).map((id): Untimed => ({ kind: 'revoke-token', id })) },
  );
}

function joinArbitrary(): fc.Arbitrary<Untimed> {
  const node = fc
    .record({ nodeId: pick('id-n', 4), tokenId: pick('t', 6), keyHash: fc.constantFrom('k1', 'k1', 'k2') })
    .map((changes) => exampleJoin(changes));
  const member = fc.record({ tokenId: pick('t', 6), id: fc.integer({ min: 1, max: 12 }) });
  return fc.oneof(
    { weight: 6, arbitrary: node.map((one): Untimed => ({ kind: 'join-node', node: one })) },
    { weight: 2, arbitrary: member.map((fields): Untimed => ({ kind: 'join-member', ...fields })) },
    {
      weight: 2,
      arbitrary: node.map(({ nodeId, keyHash, authorityId, certificateExpiresAtMs }): Untimed => {
        return { kind: 'renew-node', node: { nodeId, keyHash, authorityId, certificateExpiresAtMs } };
      }),
    },
    { weight: 1, arbitrary: pick('id-n', 5).map((id): Untimed => ({ kind: 'revoke-node', id })) },
  );
}

function authorityArbitrary(): fc.Arbitrary<Untimed> {
  const id = pick('ca', 6);
  return fc.oneof(
    fc.tuple(id, pick('t', 6)).map(([authority, token]): Untimed => {
      const tokens = [exampleToken({ id: token, name: 'admin', role: 'admin' })];
      return { kind: 'found-authority', authority: exampleAuthority(authority), tokens };
    }),
    fc.tuple(id, id, sealingKey).map(([after, next, key]): Untimed => {
      return { kind: 'rotate-authority', after, authority: exampleAuthority(next, after, key) };
    }),
    id.map((authority): Untimed => ({ kind: 'retire-authority', id: authority })),
  );
}

function secretArbitrary(): fc.Arbitrary<Untimed> {
  const key = fc.record({ namespace: fc.constantFrom('default', 'team-a'), name: pick('secret-', 3) });
  const set = fc.tuple(key, sealed).map(([named, text]): Untimed => {
    const secret = { ...named, sealed: text, sizeBytes: text.length, changedBy: 'token/ann (t1)' };
    return { kind: 'set-secret', secret };
  });
  const reseal = fc
    .tuple(fc.array(fc.tuple(key, sealed, fc.nat(60)), { maxLength: 3 }), pick('ca', 6), fc.nat(60))
    .map(([secrets, id, modifyIndex]): Untimed => {
      return {
        kind: 'reseal',
        secrets: secrets.map(([named, text, index]) => ({ ...named, sealed: text, modifyIndex: index })),
        authorities: [{ id, sealedKey: `key2.${SECRET_MARK}`, modifyIndex }],
      };
    });
  return fc.oneof(
    { weight: 4, arbitrary: set },
    { weight: 1, arbitrary: key.map((named): Untimed => ({ kind: 'remove-secret', ...named })) },
    { weight: 1, arbitrary: reseal },
  );
}

function noteAuditArbitrary(): fc.Arbitrary<Untimed> {
  const count = fc.integer({ min: 1, max: 9 });
  return fc.array(fc.tuple(noteArbitrary, count), { maxLength: 3 }).map(
    (notes): Untimed => ({
      kind: 'note-audit',
      notes: notes.map(([note, times]) => ({ ...note, outcome: 'CELL_E_FORBIDDEN', count: times })),
    }),
  );
}

/** The same command, asked for by somebody now and then. */
export function maybeAudited(command: fc.Arbitrary<Untimed>): fc.Arbitrary<Untimed> {
  const note = fc.option(noteArbitrary, { nil: undefined, freq: 3 });
  return fc.tuple(command, note).map(([one, audit]) => (audit === undefined ? one : { ...one, audit }));
}

/** Without its note. */
export function unaudited<AnyCommand extends Untimed | Command>(command: AnyCommand): AnyCommand {
  const { audit: _, ...rest } = command;
  return rest as AnyCommand;
}
