/** A machine becomes a node: with a token, and a key of its own. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { clockProblem, IdentityError, parseToken, provenKey, secretHash, subjectUri, type Token } from '@cell/identity';
import type { JoinRequest, JoinResponseSchema, Outgoing } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { NodeIdentityRow, TokenRow } from '../model/identity.ts';
import type { RefusalCause } from '../model/refusal-cause.ts';
import { checkNode } from './hello.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

/** A public key whose owner has shown that it has the private one. */
export interface NodeKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of it, hexadecimal. */
  readonly hash: string;
}

/** Asked again with the same token, id and key, it answers anew. Whoever guesses is always told the same. */
export async function joinNode(
  parts: MadeParts,
  request: JoinRequest,
  context: CallContext,
): Promise<Outgoing<typeof JoinResponseSchema>> {
  const { nodeId, nodeName: name } = request;
  const { timeoutMs } = context;
  checkNode(nodeId, name);
  const skew = request.timeMs === 0n ? undefined : clockProblem(Number(request.timeMs), parts.clock.wallMs());
  if (skew !== undefined) throw new CellError('CELL_E_CLOCK_SKEW', skew);
  const token = await findToken(parts, readToken(request.token), timeoutMs);
  const key = readNodeKey(request.publicKey, nodeId, request.proof);
  const nowMs = parts.clock.wallMs();
  const { nodeIdentities } = parts.consensus.state;
  const known = nodeIdentities.get(nodeId);
  if (known?.revokedAtMs !== undefined) throw refused('node-revoked', revokedText(nodeId));
  const repeated = isRepeated(known, token, key);
  // Its use was counted the first time.
  checkToken(repeated ? { ...token, usesLeft: undefined } : token, nowMs);
  const issued = await parts.issuer.issue({ kind: 'node', id: nodeId }, key.publicKey, parts.certificateLifetimeMs);
  const { authorityId, expiresAtMs: certificateExpiresAtMs } = issued;
  const certified = { nodeId, keyHash: key.hash, authorityId, certificateExpiresAtMs };
  const join = async () => {
    const node = { ...certified, name, tokenId: token.id };
    const audit = context.note(`node/${nodeId} by token/${token.name} (${token.id})`);
    return submitCommand(parts, { kind: 'join-node', timeMs: nowMs, node, audit }, timeoutMs);
  };
  // It had joined already: what it gets now is its newest certificate all the same, and no further entry.
  const unchanged = repeated || (await join())['unchanged'] === true;
  if (unchanged) await submitCommand(parts, { kind: 'renew-node', timeMs: nowMs, node: certified }, timeoutMs);
  return { chain: issued.chain, trust: [...parts.issuer.trust], timeMs: BigInt(parts.clock.wallMs()) };
}

/** Throws `CELL_E_INVALID`. */
export function readNodeKey(publicKey: Uint8Array, nodeId: string, proof: Uint8Array): NodeKey {
  return readKey(publicKey, subjectUri({ kind: 'node', id: nodeId }), proof);
}

/** `purpose`: URI of whom the certificate shall name. Throws `CELL_E_INVALID`. */
export function readKey(said: Uint8Array, purpose: string, proof: Uint8Array): NodeKey {
  const key = provenKey(said, purpose, proof);
  if (key === undefined) {
    const message = 'The public key is not one of the curve P-256, or its proof was not made with the private key';
    throw new CellError('CELL_E_INVALID', message);
  }
  const publicKey = key.export({ type: 'spki', format: 'der' });
  return { publicKey, hash: createHash('sha256').update(publicKey).digest('hex') };
}

function readToken(text: string): Token {
  try {
    return parseToken(text, 'join');
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new CellError('CELL_E_UNAUTHENTICATED', error.message, { cause: error, refusal: 'token-malformed' });
  }
}

/** A member that lags does not know a new token yet, and asks; to who guesses it is all the same. */
async function findToken(parts: MadeParts, { id, secret }: Token, timeoutMs: number): Promise<TokenRow> {
  const hash = secretHash(secret);
  const here = parts.consensus.state.tokens.get(id);
  const row = here ?? (await knownState(parts, timeoutMs)).tokens.get(id);
  if (row !== undefined && sameHash(row.secretHash, hash)) return row;
  const message =
    'The token is not known: it was revoked, has ended long ago, or belongs to another control plane. Make another ' +
    'one with "cellctl token create --role agent"';
  throw new CellError('CELL_E_UNAUTHENTICATED', message, { refusal: 'token-unknown' });
}

/** Rejects with `CELL_E_STARTING` before the first leader has written down what tokens there are. */
async function knownState(parts: MadeParts, timeoutMs: number) {
  const state = await readState(parts, false, timeoutMs);
  if (state.authorities.length > 0) return state;
  throw new CellError('CELL_E_STARTING', 'This member does not know yet who may join; try again in a moment');
}

function sameHash(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** The answer to it was lost, perhaps: the state counts it once. */
function isRepeated(row: NodeIdentityRow | undefined, token: TokenRow, key: NodeKey): boolean {
  return row?.tokenId === token.id && row.keyHash === key.hash;
}

/** As the state says it, which decides; here it is known why, for who looks at the fleet. */
function revokedText(nodeId: string): string {
  return `Node "${nodeId}" was revoked; give this machine an empty data folder to join it as a new node`;
}

/** For somebody who has its secret. Throws `CELL_E_FORBIDDEN`. The state checks it again when the node is written. */
function checkToken({ name, role, expiresAtMs, usesLeft }: TokenRow, nowMs: number): void {
  const advice = 'make another one with "cellctl token create --role agent"';
  if (role !== 'agent') {
    throw refused('token-role', `Token "${name}" has the role "${role}", and nodes join with "agent"; ${advice}`);
  }
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs) {
    throw refused('token-ended', `Token "${name}" ended at ${new Date(expiresAtMs).toISOString()}; ${advice}`);
  }
  if (usesLeft !== undefined && usesLeft <= 0) throw refused('token-used-up', `Token "${name}" is used up; ${advice}`);
}

function refused(refusal: RefusalCause, message: string): CellError {
  return new CellError('CELL_E_FORBIDDEN', message, { refusal });
}
