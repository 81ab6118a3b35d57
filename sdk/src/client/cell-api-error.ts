/** What went wrong in a call to the control plane: one class, with the stable code that the control plane sent. */
import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

/** `code` is a CELL_E_… code; `reached` tells whether any member of the control plane answered at all. */
export class CellApiError extends Error {
  readonly code: string;
  readonly reached: boolean;
  constructor(code: string, message: string, reached: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CellApiError';
    this.code = code;
    this.reached = reached;
  }
}

/** The metadata key of the stable code; see proto/cell/v1/operators.proto. */
const ERROR_CODE_KEY = 'cell-error-code';

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
  const sent = codeOf(error.metadata);
  if (sent !== undefined) return new CellApiError(sent, error.details, true, { cause: error });
  if (error.code === status.UNAVAILABLE && NEVER_LEFT.some((text) => error.details.includes(text))) {
    return unreachable([address], error);
  }
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
    const message = `What answers at "${address}" does not know this call: it is older, or no control plane`;
    return new CellApiError('CELL_E_UNIMPLEMENTED', message, true, { cause: error });
  }
  return new CellApiError('CELL_E_RPC', `The call to "${address}" failed: ${error.details}`, true, { cause: error });
}

/** Nobody listens at any of the addresses. */
export function unreachable(addresses: readonly string[], cause: unknown): CellApiError {
  const named = addresses.map((address) => `"${address}"`).join(', ');
  return new CellApiError('CELL_E_UNREACHABLE', `No answer from the control plane at ${named}`, false, { cause });
}

function codeOf(metadata: Metadata | undefined): string | undefined {
  const value = metadata?.get(ERROR_CODE_KEY)[0];
  return typeof value === 'string' ? value : undefined;
}
