/** The one error class of the control plane: a stable code, and a sentence that says what failed and what to do. */
export class CellError extends Error {
  readonly code: CellErrorCode;
  constructor(code: CellErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CellError';
    this.code = code;
  }
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
  | 'CELL_E_NOT_LOOPBACK'
  | 'CELL_E_NODE_UNREACHABLE'
  /** The allocation has ended: nothing can be run in it. */
  | 'CELL_E_NOT_RUNNING'
  /** Its agent could not run the command. */
  | 'CELL_E_CANNOT_RUN'
  /** The node's runtime can't do what is asked. */
  | 'CELL_E_UNSUPPORTED'
  | 'CELL_E_INTERNAL';
