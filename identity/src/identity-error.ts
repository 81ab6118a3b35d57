/** What can be wrong with tokens and certificates: a stable code, and a sentence that says what to do. */
export class IdentityError extends Error {
  readonly code: IdentityErrorCode;
  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IdentityError';
    this.code = code;
  }
}

export type IdentityErrorCode =
  /** Not a token at all, or one that was copied wrongly. */
  | 'CELL_E_TOKEN_MALFORMED'
  /** The other side does not have the authority that the token pins, or that is trusted here. */
  | 'CELL_E_UNTRUSTED'
  /** A certificate that has ended. */
  | 'CELL_E_CERTIFICATE_EXPIRED'
  /** A certificate that begins in the future: the clocks differ. */
  | 'CELL_E_CLOCK_SKEW'
  /** The other side wants a certificate, or another one than it was shown. */
  | 'CELL_E_CERTIFICATE_REFUSED'
  /** The other side is proven to be somebody else than who was called. */
  | 'CELL_E_WRONG_PEER'
  /** Nobody could be reached at all. */
  | 'CELL_E_UNREACHABLE';
