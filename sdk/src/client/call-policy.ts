/** When a call may be made again, and where. Pure: it decides, `connect` acts. */
import type { DescMethod } from '@bufbuild/protobuf';
import { CellApiError } from './cell-api-error.ts';

/** Codes after which another member, or the same one a little later, may well do better. */
const TRY_NEXT: ReadonlySet<string> = new Set([
  'CELL_E_UNREACHABLE',
  'CELL_E_CONNECTION_LOST',
  'CELL_E_TIMEOUT',
  'CELL_E_NO_LEADER',
  'CELL_E_NOT_LEADER',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_DISK_FULL',
  'CELL_E_OUTCOME_UNKNOWN',
]);

/** After these, nothing was begun: a change may be tried elsewhere too. */
const NOT_BEGUN: ReadonlySet<string> = new Set(['CELL_E_UNREACHABLE', 'CELL_E_NO_LEADER', 'CELL_E_DISK_FULL']);

/** What is wrong with one member's connection may be right with another's. Only if no member has said so itself. */
const WRONG_CONNECTION: ReadonlySet<string> = new Set([
  'CELL_E_UNTRUSTED',
  'CELL_E_CERTIFICATE_EXPIRED',
  'CELL_E_CLOCK_SKEW',
  'CELL_E_WRONG_PEER',
]);

/** Changes that have the same effect when they are made twice. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'stopJob',
  'writeMark',
  'drainNode',
  'undrainNode',
  'setNodeEligibility',
  'revokeNode',
  'issueCertificate',
  'addMember',
  'promoteMember',
  'removeMember',
]);

/** Rounds through all members of one call; the pauses in between outlast an election. */
const ROUNDS_MAX = 6;
/** When nobody listens anywhere, waiting longer seldom helps. */
const ROUNDS_UNREACHED_MAX = 2;
/** A member that says "later" so often in one call will go on saying so. */
const PAUSES_TOLD_MAX = 8;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 800;

/** Whether making the call twice is the same as making it once. */
export function isRepeatable(method: DescMethod, request: object): boolean {
  if (/^(get|list|plan|stream)/.test(method.localName) || IDEMPOTENT.has(method.localName)) return true;
  // The second submission is refused if the first one was carried out.
  return method.localName === 'submitJob' && 'expectedIndex' in request && request.expectedIndex !== undefined;
}

export function mayTryElsewhere(error: Error, repeatable: boolean): boolean {
  if (!(error instanceof CellApiError)) return false;
  if (isWrongConnection(error)) return true;
  return TRY_NEXT.has(error.code) && (repeatable || NOT_BEGUN.has(error.code));
}

/** Somebody was reached, who can't be trusted: the call was not made. */
export function isWrongConnection(error: CellApiError): boolean {
  return !error.reached && WRONG_CONNECTION.has(error.code);
}

/**
 * How long to wait before the same member is asked again, in milliseconds, if it said so; undefined if it shall not be
 * asked: there is no time for that, or who calls it has to decide.
 */
export function pauseAsTold(error: Error, repeatable: boolean, pausesMade: number, leftMs: number): number | undefined {
  if (!(error instanceof CellApiError) || error.code !== 'CELL_E_RATE_LIMITED' || !repeatable) return undefined;
  if (error.retryAfterMs === undefined || pausesMade >= PAUSES_TOLD_MAX || error.retryAfterMs >= leftMs) {
    return undefined;
  }
  return error.retryAfterMs;
}

/** The pause before the next round through the members, in milliseconds; undefined if there shall be none. */
export function pauseBeforeRound(roundsMade: number, reachedAny: boolean): number | undefined {
  if (roundsMade >= (reachedAny ? ROUNDS_MAX : ROUNDS_UNREACHED_MAX)) return undefined;
  return Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (roundsMade - 1));
}
