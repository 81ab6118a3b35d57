/** The one error class of the agent: a stable code, and a sentence that says what failed and what to do. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AgentError';
    this.code = code;
  }
}

export type AgentErrorCode =
  /** The command of an allocation can't be run as it is; trying again does not help. */
  | 'CELL_E_CANNOT_RUN'
  /** No such allocation, or nothing is kept of it. */
  | 'CELL_E_NOT_FOUND'
  /** A file in the data folder does not hold what was written to it. */
  | 'CELL_E_STATE_DAMAGED'
  /** Another agent uses the data folder. */
  | 'CELL_E_DATA_IN_USE'
  /** The data folder can't be written to. */
  | 'CELL_E_DATA_UNUSABLE'
  | 'CELL_E_ADDRESS_IN_USE'
  | 'CELL_E_ADDRESS_UNUSABLE'
  /** This machine has no address at which the fleet could reach it. */
  | 'CELL_E_NO_ADDRESS'
  /** This machine has no certificate: it needs a token to join with. */
  | 'CELL_E_NOT_JOINED'
  /** The values of an allocation's secrets can't be had, now or at all. */
  | 'CELL_E_NO_SECRETS'
  /** This machine lacks what the agent needs. */
  | 'CELL_E_UNSUPPORTED';
