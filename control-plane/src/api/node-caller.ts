import { CellError } from '../cell-error.ts';
import type { Caller } from '../ports.ts';

/** The node that calls, as its certificate names it; whatever it says of itself does not count. */
export function nodeOf(caller: Caller): string {
  if (caller.kind === 'node') return caller.id;
  throw new CellError('CELL_E_FORBIDDEN', 'Only a node may do this, with the certificate that it got when it joined');
}
