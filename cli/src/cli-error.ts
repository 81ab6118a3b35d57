/** Something that this program refuses or could not do by itself; what the control plane says is a `CellApiError`. */
export type CliErrorCode =
  | 'CELL_E_USAGE'
  | 'CELL_E_CONFIG'
  | 'CELL_E_JOB_FILE'
  | 'CELL_E_FILE'
  | 'CELL_E_NOT_CONFIRMED'
  | 'CELL_E_TIMEOUT'
  | 'CELL_E_JOB_FAILED'
  | 'CELL_E_DEV';

export class CliError extends Error {
  readonly code: CliErrorCode;
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}
