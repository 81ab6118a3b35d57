import type { ServiceError } from '@grpc/grpc-js';

/** Why a call to a member failed. */
export interface CallFailure {
  /** A `CELL_E_…` code of the member's; else gRPC's status as text. */
  readonly code: string;
  readonly message: string;
  /** Whether the member answered, as opposed to what is on the way to it. */
  readonly answered: boolean;
  /** The member asks not to be called again before; 0 if it does not. */
  readonly retryAfterMs: number;
}

/** Longer waits are not ours to be told. */
const RETRY_AFTER_MS_MAX = 60_000;

/** What grpc-js rejects calls with, in our own words. */
export function callFailure(error: ServiceError): CallFailure {
  const [own] = error.metadata?.get('cell-error-code') ?? [];
  const [pushbackMs] = error.metadata?.get('grpc-retry-pushback-ms') ?? [];
  return {
    code: own?.toString() ?? `GRPC_${error.code}`,
    message: error.details || error.message,
    answered: own !== undefined,
    retryAfterMs: Math.min(RETRY_AFTER_MS_MAX, Math.max(0, Number(pushbackMs ?? 0) || 0)),
  };
}
