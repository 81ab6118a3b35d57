import { CellError } from '../cell-error.ts';
import type { TokenRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** A token by its id or its name. */
export function findToken(state: FleetState, text: string): TokenRow {
  if (text === '') throw new CellError('CELL_E_INVALID', 'The token is missing: give its name or its id');
  const found = state.tokens.get(text) ?? [...state.tokens.values()].find(({ name }) => name === text);
  if (found !== undefined) return found;
  const message = `There is no token "${text.slice(0, 80)}"; "cellctl token list" shows all tokens`;
  throw new CellError('CELL_E_NOT_FOUND', message);
}
