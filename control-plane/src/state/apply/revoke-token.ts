import type { CommandResult, RevokeToken } from '../commands.ts';
import type { Application } from './application.ts';

/** What was issued on it ends with it; nodes and members that have joined by it stay. */
export function revokeToken(application: Application, { id }: RevokeToken): CommandResult {
  const row = application.tables.tokens.get(id);
  if (row === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no token "${id}"`);
  application.removeToken(row);
  application.event('TokenRevoked', `token/${row.name}`, `It had the role ${row.role}`);
  return application.done();
}
