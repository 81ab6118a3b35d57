/** What went wrong in a call to the control plane: one class, with the stable code that the control plane sent. */
import { connectionProblem } from '@cell/identity';
import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

/** `code` is a CELL_E_… code; `reached` tells whether any member of the control plane answered at all. */
export class CellApiError extends Error {
  readonly code: string;
  readonly reached: boolean;
  /** When the control plane wants to be asked again at the earliest, in milliseconds from now, if it said so. */
  readonly retryAfterMs: number | undefined;
  constructor(
    code: string,
    message: string,
    reached: boolean,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = 'CellApiError';
    this.code = code;
    this.reached = reached;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The metadata key of the stable code; see proto/cell/v1/operators.proto. */
const ERROR_CODE_KEY = 'cell-error-code';
/** Milliseconds; see gRPC's proposal A6, "Pushback". */
const RETRY_AFTER_KEY = 'grpc-retry-pushback-ms';
const RETRY_AFTER_FORM = /^\d{1,9}$/;

/** How grpc-js says that the call never left this machine, so that making it elsewhere is safe. */
const NEVER_LEFT = ['No connection established', 'Name resolution failed'];

/** Whether grpc-js made this error. */
function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

/** Turns what grpc-js rejects with into a `CellApiError`; other errors pass through. */
export function toCellApiError(error: unknown, address: string): Error {
  if (error instanceof CellApiError) return error;
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  const sent = textOf(error.metadata, ERROR_CODE_KEY);
  if (sent !== undefined) {
    return new CellApiError(sent, error.details, true, { cause: error, retryAfterMs: retryAfterMs(error.metadata) });
  }
  if (error.code === status.UNAVAILABLE && NEVER_LEFT.some((text) => error.details.includes(text))) {
    return notSecure(error, address) ?? unreachable([address], error);
  }
  const refused = error.code === status.UNAVAILABLE ? notSecure(error, address) : undefined;
  // With TLS 1.3 the other side refuses a certificate when the connection stands already.
  if (refused?.code === 'CELL_E_CERTIFICATE_REFUSED') return refused;
  // Calls that were cancelled on this side never get here: it is the server that gave this one up.
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED) {
    const message = `The connection to the control plane at "${address}" broke during the call: ${error.details}`;
    return new CellApiError('CELL_E_CONNECTION_LOST', message, false, { cause: error });
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    const message = `The control plane at "${address}" did not answer in time`;
    return new CellApiError('CELL_E_TIMEOUT', message, false, { cause: error });
  }
  if (error.code === status.UNIMPLEMENTED) {
    const message = `What answers at "${address}" does not know this call: it is older, is the port for members (7601), or is no control plane`;
    return new CellApiError('CELL_E_UNIMPLEMENTED', message, true, { cause: error });
  }
  return new CellApiError('CELL_E_RPC', `The call to "${address}" failed: ${error.details}`, true, { cause: error });
}

/** Nobody listens at any of the addresses. */
export function unreachable(addresses: readonly string[], cause: unknown): CellApiError {
  const named = addresses.map((address) => `"${address}"`).join(', ');
  return new CellApiError('CELL_E_UNREACHABLE', `No answer from the control plane at ${named}`, false, { cause });
}

/** Somebody answers, and can't be trusted. */
function notSecure(error: ServiceError, address: string): CellApiError | undefined {
  const problem = connectionProblem(error, address);
  return problem === undefined ? undefined : new CellApiError(problem.code, problem.message, false, { cause: error });
}

function retryAfterMs(metadata: Metadata | undefined): number | undefined {
  const text = textOf(metadata, RETRY_AFTER_KEY);
  return text !== undefined && RETRY_AFTER_FORM.test(text) ? Number(text) : undefined;
}

function textOf(metadata: Metadata | undefined, key: string): string | undefined {
  const value = metadata?.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}
