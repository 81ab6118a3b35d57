/** New tokens: what may be asked for, and by whom. */
import { makeToken, secretHash, type TokenPurpose, tokenText } from '@cell/identity';
import { namespaceAllowed } from '@cell/job';
import type { CreateTokenRequest, CreateTokenResponseSchema, Outgoing } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { PersonRole, TokenRole } from '../model/identity.ts';
import type { Caller } from '../ports.ts';
import type { NewToken } from '../state/commands.ts';
import { knownEverywhere } from './known-everywhere.ts';
import { submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { roleFromProto, tokenToProto } from './token-messages.ts';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const dayMs = 24 * 60 * 60 * 1_000;
const joinDaysMax = 30;
const personDaysMax = 3_650;
const usesMax = 10_000;

type Asked = Pick<NewToken, 'name' | 'role' | 'namespace' | 'expiresAtMs' | 'usesLeft'>;

export async function createToken(
  parts: MadeParts,
  request: CreateTokenRequest,
  context: CallContext,
): Promise<Outgoing<typeof CreateTokenResponseSchema>> {
  const timeMs = parts.clock.wallMs();
  const asked = readAsked(request, timeMs);
  checkGrant(context.caller, asked);
  const token = makeToken(purposeOf(asked.role), parts.issuer.pin);
  const audit = context.note(`token/${asked.name} (${token.id}) as ${asked.role}`);
  const row = { ...asked, id: token.id, secretHash: secretHash(token.secret), createdBy: audit.actor };
  const { index } = await submitCommand(parts, { kind: 'create-token', timeMs, token: row, audit }, context.timeoutMs);
  await knownEverywhere(parts, index);
  const stored = parts.consensus.state.tokens.get(token.id) ?? { ...row, createdAtMs: timeMs, modifyIndex: 0 };
  return { token: tokenToProto(stored), text: tokenText(token) };
}

/** Throws `CELL_E_INVALID`. */
export function readAsked(request: CreateTokenRequest, nowMs: number): Asked {
  const { name, namespace, uses } = request;
  if (!namePattern.test(name)) {
    throw invalid(`Token can't be called "${name.slice(0, 80)}": 1 to 63 letters, digits, ".", "_" and "-"`);
  }
  const role = roleFromProto(request.role);
  if (role === undefined) {
    throw invalid('The role of the token is missing: viewer, operator, admin, agent or control-plane');
  }
  const expiresAtMs = readExpiry(role, request.ttlSeconds, nowMs);
  if (namespace !== '') checkNamespace(role, namespace);
  return {
    name,
    role,
    namespace: namespace === '' ? undefined : namespace,
    expiresAtMs,
    usesLeft: readUses(role, uses),
  };
}

function readExpiry(role: TokenRole, ttlSeconds: bigint, nowMs: number): number | undefined {
  const joins = purposeOf(role) === 'join';
  if (ttlSeconds === 0n) {
    if (joins) throw invalid(`A token to join with must end: say when, after ${joinDaysMax} days at most`);
    return undefined;
  }
  const daysMax = joins ? joinDaysMax : personDaysMax;
  if (ttlSeconds > BigInt((daysMax * dayMs) / 1_000)) {
    throw invalid(`A token of role "${role}" can live for ${daysMax} days at most`);
  }
  return nowMs + Number(ttlSeconds) * 1_000;
}

function readUses(role: TokenRole, uses: number): number | undefined {
  if (purposeOf(role) === 'access') {
    if (uses === 0) return undefined;
    throw invalid(`Uses are counted of tokens to join with; one of role "${role}" can be used as often as one likes`);
  }
  if (uses > usesMax) throw invalid(`A token to join with can be used ${usesMax} times at most`);
  return Math.max(1, uses);
}

function checkNamespace(role: TokenRole, namespace: string): void {
  if (role !== 'viewer' && role !== 'operator') {
    throw invalid(`Only viewers and operators can be limited to a namespace; the role is "${role}"`);
  }
  const allowed = namespaceAllowed(namespace);
  if (allowed !== undefined) throw invalid(`Namespace can't be called "${namespace.slice(0, 80)}", but ${allowed}`);
}

const ranks: Readonly<Record<PersonRole, number>> = { viewer: 1, operator: 2, admin: 3 };

/** Nobody makes a token that can do what he can't. Throws `CELL_E_FORBIDDEN`. */
export function checkGrant(caller: Caller, { role, namespace }: Pick<Asked, 'role' | 'namespace'>): void {
  const needs = role === 'agent' || role === 'control-plane' ? ranks.admin : ranks[role];
  const may =
    caller.kind === 'person' &&
    ranks[caller.role] >= needs &&
    (caller.namespace === undefined || caller.namespace === namespace);
  if (may) return;
  throw new CellError('CELL_E_FORBIDDEN', `A token of role "${role}" can be made only by who can do as much: an admin`);
}

function purposeOf(role: TokenRole): TokenPurpose {
  return role === 'agent' || role === 'control-plane' ? 'join' : 'access';
}

function invalid(message: string): CellError {
  return new CellError('CELL_E_INVALID', message);
}
