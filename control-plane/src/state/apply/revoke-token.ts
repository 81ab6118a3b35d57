import type { TokenRow } from '../../model/identity.ts';
import type { CommandResult, RevokeToken } from '../commands.ts';
import type { Application } from './application.ts';

/** What was issued on it ends with it; nodes and members that have joined by it stay. */
export function revokeToken(application: Application, { id }: RevokeToken): CommandResult {
  const row = application.tables.tokens.get(id);
  if (row === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no token "${id}"`);
  if (isLastAdmin(application, row)) {
    const message = `Token "${row.name}" is the last one of an admin: without it nobody could make another one`;
    const advice = 'make one first, with "cellctl token create --role admin"';
    return application.refuse('CELL_E_CONFLICT', `${message}; ${advice}`);
  }
  application.removeToken(row);
  application.event('TokenRevoked', `token/${row.name}`, `It had the role ${row.role}`);
  return application.done();
}

/** Those that have expired count no more; of two that are revoked at the same time, one stays. */
function isLastAdmin({ tables, timeMs }: Application, { id, role }: TokenRow): boolean {
  if (role !== 'admin') return false;
  for (const other of tables.tokens.values()) {
    const expired = other.expiresAtMs !== undefined && other.expiresAtMs <= timeMs;
    if (other.id !== id && other.role === 'admin' && !expired) return false;
  }
  return true;
}
