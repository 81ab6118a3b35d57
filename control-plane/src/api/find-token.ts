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

/** Without an admin, nobody can make tokens any more. Throws `CELL_E_CONFLICT`. */
export function checkNotLastAdmin(state: FleetState, token: TokenRow, nowMs: number): void {
  if (token.role !== 'admin') return;
  for (const { id, role, expiresAtMs } of state.tokens.values()) {
    if (id !== token.id && role === 'admin' && (expiresAtMs === undefined || expiresAtMs > nowMs)) return;
  }
  const message =
    `Token "${token.name}" is the last one of an admin: without it nobody could make another one. Make one first, ` +
    'with "cellctl token create --role admin"';
  throw new CellError('CELL_E_CONFLICT', message);
}
