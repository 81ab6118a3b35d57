import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { subjectUri } from '@cell/identity';
import { IdentityService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { Caller } from '../ports.ts';
import { authoritiesToProto, findAuthority, rotateAuthority } from './authorities.ts';
import { createToken } from './create-token.ts';
import { findToken } from './find-token.ts';
import { readKey } from './join-node.ts';
import { listAudit } from './list-audit.ts';
import { readState, submitCommand } from './read-state.ts';
import { KeyRotation } from './rotate-key.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { tokenToProto } from './token-messages.ts';

const { method } = IdentityService;

/** Tokens, certificates and the audit log. */
export function registerIdentityService(server: Server, calls: CallServer, parts: MadeParts): void {
  const { clock } = parts;
  const rotation = new KeyRotation(parts);
  addService(server, parts.guard, IdentityService, {
    getCaller: calls.unary(method.getCaller, (_request, { caller }) => describeCaller(parts, caller)),
    createToken: calls.unary(method.createToken, (request, context) => createToken(parts, request, context)),
    listTokens: calls.unary(method.listTokens, async (_request, { timeoutMs }) => {
      const { tokens } = await readState(parts, false, timeoutMs);
      const sorted = [...tokens.values()].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
      return { tokens: sorted.map(tokenToProto) };
    }),
    revokeToken: calls.unary(method.revokeToken, async (request, context) => {
      const row = findToken(await readState(parts, false, context.timeoutMs), request.token);
      const audit = context.note(`token/${row.name} (${row.id})`);
      await submitCommand(
        parts,
        { kind: 'revoke-token', timeMs: clock.wallMs(), id: row.id, audit },
        context.timeoutMs,
      );
      return { token: tokenToProto(row) };
    }),
    issueCertificate: calls.unary(method.issueCertificate, ({ publicKey, proof }, { caller }) => {
      return issueToPerson(parts, caller, publicKey, proof);
    }),
    getAuthorities: calls.unary(method.getAuthorities, async (_request, { timeoutMs }) => {
      const state = await readState(parts, false, timeoutMs);
      return { authorities: authoritiesToProto(state, parts), keyId: parts.vault.keyId };
    }),
    rotateAuthority: calls.unary(method.rotateAuthority, (_request, context) => rotateAuthority(parts, context)),
    retireAuthority: calls.unary(method.retireAuthority, async (request, context) => {
      const { id } = findAuthority(await readState(parts, false, context.timeoutMs), request.authority);
      const audit = context.note(`authority/${id}`);
      await submitCommand(parts, { kind: 'retire-authority', timeMs: clock.wallMs(), id, audit }, context.timeoutMs);
      return {};
    }),
    rotateKey: calls.unary(method.rotateKey, (_request, context) => rotation.run(context)),
    listAudit: calls.streaming(method.listAudit, async function* (request, { timeoutMs }) {
      yield* listAudit(await readState(parts, false, timeoutMs), request);
    }),
  });
}

function describeCaller(parts: MadeParts, caller: Caller) {
  const person = caller.kind === 'person' ? caller : undefined;
  const token = person === undefined ? undefined : parts.consensus.state.tokens.get(person.tokenId);
  const endsMs = person?.certificateExpiresAtMs;
  return {
    ...(token === undefined ? {} : { token: tokenToProto(token) }),
    cluster: parts.clusterName,
    trust: [...parts.issuer.trust],
    controlPlaneAddresses: parts.peers.members.map(({ grpc }) => grpc).filter((address) => address !== ''),
    ...(endsMs === undefined ? {} : { certificateExpiresAt: timestampFromMs(endsMs) }),
  };
}

/** It ends with the token, also if that is revoked: the guard looks the token up in each call. */
async function issueToPerson(parts: MadeParts, caller: Caller, publicKey: Uint8Array, proof: Uint8Array) {
  const { clock, consensus, issuer, certificateLifetimeMs } = parts;
  const token = caller.kind === 'person' ? consensus.state.tokens.get(caller.tokenId) : undefined;
  if (token === undefined) {
    throw new CellError('CELL_E_FORBIDDEN', 'A certificate is issued only to who has a token of a person or program');
  }
  const subject = { kind: 'token', id: token.id } as const;
  const key = readKey(publicKey, subjectUri(subject), proof);
  const leftMs = token.expiresAtMs === undefined ? certificateLifetimeMs : token.expiresAtMs - clock.wallMs();
  const issued = await issuer.issue(subject, key.publicKey, Math.min(certificateLifetimeMs, leftMs));
  return { chain: issued.chain, trust: [...issuer.trust], expiresAt: timestampFromMs(issued.expiresAtMs) };
}
