/** What clients do and are told: operations that have a sequential model. */

/** A value of a register, with the Raft index of its write. */
export interface Written {
  /** Each value is written by one operation only; '' for a register that was never written. */
  readonly value: string;
  /** 0 for a register that was never written. */
  readonly index: number;
}

/** A register is a job: its specification carries the value. */
export type RegisterInput =
  | { readonly kind: 'read'; readonly register: string }
  | { readonly kind: 'write'; readonly register: string; readonly value: string }
  /** Writes only if the register still is as expected. */
  | { readonly kind: 'swap'; readonly register: string; readonly value: string; readonly expected: Written };

/** What was read; the index of what was written; or that the register was not as expected. */
export type RegisterOutput = Written | { readonly index: number } | { readonly conflict: true };

/** Marks of a drill only ever become more. */
export type MarksInput =
  | { readonly kind: 'mark'; readonly drill: string; readonly sequence: number }
  | { readonly kind: 'marks'; readonly drill: string };

/** Ordered ranges of the marks that are there, both ends included. */
export type MarkRanges = readonly (readonly [first: number, last: number])[];

export type MarksOutput = { readonly ranges: MarkRanges } | { readonly index: number };

export type Input = RegisterInput | MarksInput;
export type Output = RegisterOutput | MarksOutput;

/** One call of a client. Times in milliseconds on the clock of the process that all clients are in. */
export interface CallRecord {
  readonly client: number;
  /** Id of the member that was asked. */
  readonly member: number;
  readonly input: Input;
  readonly invokedAt: number;
  /** Infinity while there is no answer. */
  returnedAt: number;
  /** Undefined if there was none, or a failure. */
  output: Output | undefined;
  /** Code of the failure. */
  failure: string | undefined;
}

export function changes(input: Input): boolean {
  return input.kind === 'write' || input.kind === 'swap' || input.kind === 'mark';
}
