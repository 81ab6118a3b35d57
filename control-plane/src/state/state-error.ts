/**
 * Bytes that this module wrote itself, or another member of the cluster, and that can't be what was written. Commands
 * that the log holds but the fleet can't carry out are no errors: applying them gives a refusal.
 */
export class StateError extends Error {
  readonly code: StateErrorCode;
  constructor(code: StateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StateError';
    this.code = code;
  }
}

export type StateErrorCode = 'CELL_E_COMMAND_MALFORMED' | 'CELL_E_SNAPSHOT_DAMAGED';
