/** Why the core refused something that came from outside. */
export type CoreErrorCode =
  /** No leader, no room, or leadership is being handed over: propose again later, or elsewhere. */
  | 'proposal-dropped'
  /** A message that only this process may make arrived from the network. */
  | 'step-local-message'
  /** An answer from a node that is not a member. */
  | 'step-peer-not-found'
  | 'invalid-config'
  /** A change of membership that may not follow on the one in force. */
  | 'conf-change-invalid'
  /** Bytes that are not an encoded change of membership. */
  | 'conf-change-malformed'
  /** The stored log ends before what this member once acknowledged; it must be wiped and join again. */
  | 'log-lost';

/** The one error class of the core's boundary. */
export class CoreError extends Error {
  readonly code: CoreErrorCode;
  constructor(code: CoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CoreError';
    this.code = code;
  }
}
