import type { RefusalCause } from './model/refusal-cause.ts';

/** What goes with an error that does not cross the wire, but for `retryAfterMs`. */
export interface CellErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
  readonly refusal?: RefusalCause | undefined;
}

/**
 * Characters of a message. It crosses the wire in trailers, percent-encoded: up to nine bytes for one. What is above 64 KiB
 * there ends the whole connection of its caller.
 */
const MESSAGE_LENGTH_MAX = 4_000;

/** The one error class of the control plane: a stable code, and a sentence that says what failed and what to do. */
export class CellError extends Error {
  readonly code: CellErrorCode;
  /** When it may be tried again; undefined if that says nothing. */
  readonly retryAfterMs: number | undefined;
  /** Why somebody was not let in, for the audit log; undefined if the code says enough. */
  readonly refusal: RefusalCause | undefined;
  constructor(code: CellErrorCode, message: string, options?: CellErrorOptions) {
    super(sayable(message), options);
    this.name = 'CellError';
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
    this.refusal = options?.refusal;
  }
}

/** Much of a message may be what a caller said: long, or cut within a character, which grpc-js can't send and throws at. */
function sayable(message: string): string {
  const short = message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message;
  return short.toWellFormed();
}

export type CellErrorCode =
  | 'CELL_E_NO_LEADER'
  | 'CELL_E_NOT_LEADER'
  | 'CELL_E_OUTCOME_UNKNOWN'
  | 'CELL_E_OVERLOADED'
  /** There is no room on this member's disk; nothing was written. */
  | 'CELL_E_DISK_FULL'
  | 'CELL_E_TIMEOUT'
  | 'CELL_E_PEER_UNREACHABLE'
  | 'CELL_E_FOREIGN_CLUSTER'
  /** The data folder belongs to another member or another cluster. */
  | 'CELL_E_FOREIGN_DATA'
  /** A member without what it once acknowledged: it must not vote again. */
  | 'CELL_E_DATA_LOST'
  | 'CELL_E_IDENTITY_DAMAGED'
  /** The member is not in a cluster yet, or has not read its data yet. */
  | 'CELL_E_STARTING'
  /** The member was told to end before it was up. */
  | 'CELL_E_STOPPED'
  | 'CELL_E_NO_SESSION'
  /** An agent has a newer state than the control plane: that was set up anew, or has lost data. */
  | 'CELL_E_GENERATION_LOST'
  /** A member that was removed: it ends, and does not come back with that data. */
  | 'CELL_E_REMOVED'
  /** A member that lacks too much of the log to get a vote. */
  | 'CELL_E_NOT_CAUGHT_UP'
  | 'CELL_E_CONFLICT'
  | 'CELL_E_NOT_FOUND'
  | 'CELL_E_AMBIGUOUS'
  | 'CELL_E_LIMIT'
  | 'CELL_E_INVALID'
  | 'CELL_E_UNKNOWN_COMMAND'
  | 'CELL_E_CONFIG'
  | 'CELL_E_ADDRESS_IN_USE'
  /** This machine was never made a member: there is no authority here. */
  | 'CELL_E_NOT_INITIALIZED'
  /** Nobody, or somebody whose token or certificate is not (or no more) good. */
  | 'CELL_E_UNAUTHENTICATED'
  /** Somebody who may not do that. */
  | 'CELL_E_FORBIDDEN'
  /** Too often; the metadata "grpc-retry-pushback-ms" says when to come again. */
  | 'CELL_E_RATE_LIMITED'
  /** Clocks that differ by more than 5 minutes. */
  | 'CELL_E_CLOCK_SKEW'
  /** A sealed value whose key is not here, or that was changed. */
  | 'CELL_E_SEALED'
  | 'CELL_E_NODE_UNREACHABLE'
  /** The allocation has ended: nothing can be run in it. */
  | 'CELL_E_NOT_RUNNING'
  /** Its agent could not run the command. */
  | 'CELL_E_CANNOT_RUN'
  /** The node's runtime can't do what is asked. */
  | 'CELL_E_UNSUPPORTED'
  | 'CELL_E_INTERNAL';
