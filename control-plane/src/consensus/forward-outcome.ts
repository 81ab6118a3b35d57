import type { CellErrorCode } from '../cell-error.ts';

/** What the leader says of one command that was passed on to it. */
export type ForwardOutcome =
  | { readonly index: number; readonly result: Uint8Array }
  | { readonly code: CellErrorCode; readonly message: string };
