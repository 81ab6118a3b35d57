/** Something that this program refuses or could not do by itself; what the control plane says is a `CellApiError`. */
export type CliErrorCode =
  | 'CELL_E_USAGE'
  | 'CELL_E_CONFIG'
  /** Nothing says who calls. */
  | 'CELL_E_NO_IDENTITY'
  | 'CELL_E_JOB_FILE'
  | 'CELL_E_FILE'
  | 'CELL_E_NOT_CONFIRMED'
  | 'CELL_E_TIMEOUT'
  | 'CELL_E_JOB_FAILED';

/** `code` may also be one that a control plane or an agent gave that this program runs itself. */
export class CliError extends Error {
  readonly code: CliErrorCode | `CELL_E_${string}`;
  constructor(code: CliErrorCode | `CELL_E_${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}
