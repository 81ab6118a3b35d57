import type { CommandResult, CreateToken } from '../commands.ts';
import { TOKENS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

export function createToken(application: Application, { token }: Pick<CreateToken, 'token'>): CommandResult {
  const { tables, timeMs, index } = application;
  if (tables.identity.tokenByName(token.name) !== undefined) {
    const message = `There is a token with the name "${token.name}"; revoke it first, or take another name`;
    return application.refuse('CELL_E_CONFLICT', message);
  }
  if (tables.tokens.has(token.id)) {
    return application.refuse('CELL_E_CONFLICT', `There is a token with the id "${token.id}"; try again`);
  }
  if (tables.tokens.size >= TOKENS_MAX) {
    const message = `There are ${TOKENS_MAX} tokens, and no more are allowed; revoke some first`;
    return application.refuse('CELL_E_LIMIT', message);
  }
  application.putToken({ ...token, createdAtMs: timeMs, modifyIndex: index });
  const where = token.namespace === undefined ? '' : ` in namespace "${token.namespace}"`;
  application.event(
    'TokenCreated',
    `token/${token.name}`,
    `With the role ${token.role}${where}, by ${token.createdBy}`,
  );
  return application.done();
}
