export type CodecErrorCode =
  /** The input ends before what it announces. */
  | 'truncated'
  /** A field has a value that no writer produces. */
  | 'malformed'
  /** A count or a length is above its limit. */
  | 'too-large'
  /** Written by a version of the format that this program does not know. */
  | 'unsupported-version'
  /** A message that must never leave its process. */
  | 'local-message';

/** The one error class of the codec. `offset` is the byte in the input where reading stopped. */
export class CodecError extends Error {
  readonly code: CodecErrorCode;
  readonly offset: number;
  constructor(code: CodecErrorCode, message: string, offset = 0) {
    super(message);
    this.name = 'CodecError';
    this.code = code;
    this.offset = offset;
  }
}
