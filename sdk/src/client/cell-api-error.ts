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
const NEVER_CONNECTED = 'No connection established';

/** Whether grpc-js made this error. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

/** Turns what grpc-js rejects with into a `CellApiError`; other errors pass through. */
export function toCellApiError(error: unknown, address: string): Error {
  if (error instanceof CellApiError) return error;
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  const sent = codeOf(error.metadata);
  if (sent !== undefined) return new CellApiError(sent, error.details, true, { cause: error });
  if (error.code === status.UNAVAILABLE && error.details.includes(NEVER_CONNECTED)) {
    const message = `No answer from the control plane at "${address}"`;
    return new CellApiError('CELL_E_UNREACHABLE', message, false, { cause: error });
  }
  if (error.code === status.UNAVAILABLE) {
    const message = `The connection to the control plane at "${address}" broke during the call: ${error.details}`;
    return new CellApiError('CELL_E_CONNECTION_LOST', message, false, { cause: error });
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    const message = `The control plane at "${address}" did not answer in time`;
    return new CellApiError('CELL_E_TIMEOUT', message, false, { cause: error });
  }
  return new CellApiError('CELL_E_RPC', `The call to "${address}" failed: ${error.details}`, true, { cause: error });
}

function codeOf(metadata: Metadata | undefined): string | undefined {
  const value = metadata?.get(ERROR_CODE_KEY)[0];
  return typeof value === 'string' ? value : undefined;
}
