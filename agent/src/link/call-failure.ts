import { connectionProblem } from '@cell/identity';
import type { ServiceError } from '@grpc/grpc-js';

/** Why a call to a member failed. */
export interface CallFailure {
  /** A `CELL_E_…` code of the member's, or of what is wrong with who is there; else gRPC's status as text. */
  readonly code: string;
  readonly message: string;
  /** Whether the member answered, as opposed to what is on the way to it. */
  readonly answered: boolean;
  /** The member asks not to be called again before; 0 if it does not. */
  readonly retryAfterMs: number;
}

/** Longer waits are not ours to be told. */
const RETRY_AFTER_MS_MAX = 60_000;

/** What grpc-js rejects calls to the member at `address` with, in our own words. */
export function callFailure(error: ServiceError, address: string): CallFailure {
  const [own] = error.metadata?.get('cell-error-code') ?? [];
  const [pushbackMs] = error.metadata?.get('grpc-retry-pushback-ms') ?? [];
  const retryAfterMs = Math.min(RETRY_AFTER_MS_MAX, Math.max(0, Number(pushbackMs ?? 0) || 0));
  const said = error.details || error.message;
  if (own !== undefined) return { code: own.toString(), message: said, answered: true, retryAfterMs };
  const problem = connectionProblem(error, address);
  const code = problem?.code ?? `GRPC_${error.code}`;
  return { code, message: problem?.message ?? said, answered: false, retryAfterMs };
}
