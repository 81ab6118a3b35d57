/** How a `CellError` crosses the wire: a gRPC status, the sentence as its details, and the code as trailing metadata. */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { CellError, type CellErrorCode } from './cell-error.ts';
import type { RefusalCause } from './model/refusal-cause.ts';

export const ERROR_CODE_KEY = 'cell-error-code';
/** When a call may be tried again, in milliseconds; grpc's own clients know it too (gRFC A6). */
export const RETRY_PUSHBACK_KEY = 'grpc-retry-pushback-ms';

const statusByCode: Readonly<Partial<Record<CellErrorCode, status>>> = {
  CELL_E_NO_LEADER: status.UNAVAILABLE,
  CELL_E_NOT_LEADER: status.UNAVAILABLE,
  CELL_E_OUTCOME_UNKNOWN: status.UNAVAILABLE,
  CELL_E_PEER_UNREACHABLE: status.UNAVAILABLE,
  CELL_E_NODE_UNREACHABLE: status.UNAVAILABLE,
  CELL_E_DISK_FULL: status.UNAVAILABLE,
  CELL_E_STARTING: status.UNAVAILABLE,
  CELL_E_TIMEOUT: status.DEADLINE_EXCEEDED,
  CELL_E_OVERLOADED: status.RESOURCE_EXHAUSTED,
  CELL_E_RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  CELL_E_UNAUTHENTICATED: status.UNAUTHENTICATED,
  CELL_E_FORBIDDEN: status.PERMISSION_DENIED,
  CELL_E_CLOCK_SKEW: status.FAILED_PRECONDITION,
  CELL_E_SEALED: status.FAILED_PRECONDITION,
  CELL_E_LIMIT: status.RESOURCE_EXHAUSTED,
  CELL_E_CONFLICT: status.ABORTED,
  CELL_E_NOT_FOUND: status.NOT_FOUND,
  CELL_E_NO_SESSION: status.NOT_FOUND,
  CELL_E_AMBIGUOUS: status.INVALID_ARGUMENT,
  CELL_E_INVALID: status.INVALID_ARGUMENT,
  CELL_E_FOREIGN_CLUSTER: status.FAILED_PRECONDITION,
  CELL_E_DATA_LOST: status.FAILED_PRECONDITION,
  CELL_E_REMOVED: status.FAILED_PRECONDITION,
  CELL_E_NOT_CAUGHT_UP: status.FAILED_PRECONDITION,
  CELL_E_NOT_RUNNING: status.FAILED_PRECONDITION,
  CELL_E_CANNOT_RUN: status.FAILED_PRECONDITION,
  CELL_E_UNSUPPORTED: status.FAILED_PRECONDITION,
  CELL_E_GENERATION_LOST: status.FAILED_PRECONDITION,
};

/** What a server answers. What is no `CellError` is told as CELL_E_INTERNAL, with its message. */
export function toServiceError(error: unknown): StatusObject {
  const known = error instanceof CellError ? error : new CellError('CELL_E_INTERNAL', messageOf(error));
  const metadata = new Metadata();
  metadata.set(ERROR_CODE_KEY, known.code);
  if (known.retryAfterMs !== undefined) metadata.set(RETRY_PUSHBACK_KEY, String(known.retryAfterMs));
  const answer = { code: statusByCode[known.code] ?? status.INTERNAL, details: known.message, metadata };
  if (known.refusal !== undefined) refusals.set(answer, known.refusal);
  return answer;
}

/** Of answers, which say it in words only. */
const refusals = new WeakMap<object, RefusalCause>();

/** What the audit log has of an answer: the error's code, and why somebody was not let in. */
export function outcomeOf(answer: object): { readonly code: string; readonly refusal: RefusalCause | undefined } {
  const { metadata } = answer as Partial<StatusObject>;
  const code = metadata?.get(ERROR_CODE_KEY)[0]?.toString() ?? 'CELL_E_INTERNAL';
  return { code, refusal: refusals.get(answer) };
}

/** The error that the other side answered; undefined if what failed is the call itself and there was no answer. */
export function answeredError(error: unknown): CellError | undefined {
  const { metadata, details } = error as Partial<ServiceError>;
  const code = metadata instanceof Metadata ? metadata.get(ERROR_CODE_KEY)[0] : undefined;
  if (typeof code !== 'string') return undefined;
  return new CellError(code as CellErrorCode, details ?? '', { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
