import type { TokenRole, TokenRow } from '../../model/identity.ts';
import type { FleetState } from '../fleet-state.ts';
import type { Application } from './application.ts';

type Tokens = Pick<FleetState, 'tokens'>;

/** Why nobody can join by a token, for people; undefined if it is good, which it also is when it is used up. */
export function tokenRefusal(
  { tables, timeMs }: { readonly tables: Tokens; readonly timeMs: number },
  id: string,
  role: TokenRole,
): string | undefined {
  const token = tables.tokens.get(id);
  if (token === undefined) return withAdvice(`The token "${id}" is unknown, or was revoked`, role);
  if (token.role !== role) return withAdvice(`The token "${token.name}" is for the role ${token.role}`, role);
  const expired = token.expiresAtMs !== undefined && token.expiresAtMs <= timeMs;
  return expired ? withAdvice(`The token "${token.name}" has expired`, role) : undefined;
}

/** Why it can't be used once more, for people; undefined if it can. */
export function usedUpRefusal({ tokens }: Tokens, id: string): string | undefined {
  const token = tokens.get(id);
  return token?.usesLeft === 0 ? withAdvice(`The token "${token.name}" is used up`, token.role) : undefined;
}

/** Counts one use. Returns why that can't be: it was used as often as it may be. */
export function useToken(application: Application, id: string): string | undefined {
  const token = application.tables.tokens.get(id);
  if (token?.usesLeft === undefined) return undefined;
  if (token.usesLeft === 0) return usedUpRefusal(application.tables, id);
  const used: TokenRow = { ...token, usesLeft: token.usesLeft - 1, modifyIndex: application.index };
  application.putToken(used);
  return undefined;
}

function withAdvice(refusal: string, role: TokenRole): string {
  return `${refusal}; make a new one: "cellctl token create --role ${role}"`;
}
