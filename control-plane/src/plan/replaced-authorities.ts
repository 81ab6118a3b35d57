/** Who depends on an authority that was replaced, and for how long it is there. Pure. */
import type { AuthorityRow, TokenRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** When it is retired by itself at the earliest, milliseconds since 1970; undefined for the one that issues. */
export function retiresAtMs(
  authorities: readonly AuthorityRow[],
  row: AuthorityRow,
  lifetimeMs: number,
): number | undefined {
  const next = authorities[authorities.indexOf(row) + 1];
  return next === undefined ? undefined : next.createdAtMs + lifetimeMs;
}

/** Tokens that pin it and are still good: those that were made while it issued. */
export function tokensPinning(
  { authorities, tokens }: Pick<FleetState, 'authorities' | 'tokens'>,
  row: AuthorityRow,
  nowMs: number,
): TokenRow[] {
  const next = authorities[authorities.indexOf(row) + 1];
  return [...tokens.values()].filter(
    ({ createdAtMs, expiresAtMs, usesLeft }) =>
      createdAtMs >= row.createdAtMs &&
      createdAtMs < (next?.createdAtMs ?? Number.POSITIVE_INFINITY) &&
      (expiresAtMs === undefined || expiresAtMs > nowMs) &&
      usesLeft !== 0,
  );
}
