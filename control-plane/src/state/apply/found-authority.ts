import type { CommandResult, FoundAuthority } from '../commands.ts';
import type { Application } from './application.ts';
import { createToken } from './create-token.ts';

/** The first authority and the first tokens are written once, before there is anybody who could ask for more. */
export function foundAuthority(application: Application, { authority, tokens }: FoundAuthority): CommandResult {
  if (application.tables.authorities.length > 0) {
    return application.refuse('CELL_E_CONFLICT', 'The first certificate authority is written already');
  }
  const ids = new Set(tokens.map(({ id }) => id));
  const names = new Set(tokens.map(({ name }) => name));
  if (ids.size !== tokens.length || names.size !== tokens.length || application.tables.tokens.size > 0) {
    return application.refuse('CELL_E_INVALID', 'The first tokens need an id and a name of their own each');
  }
  application.putAuthority({ ...authority, createdAtMs: application.timeMs, modifyIndex: application.index });
  for (const token of tokens) createToken(application, { token });
  return application.done();
}
