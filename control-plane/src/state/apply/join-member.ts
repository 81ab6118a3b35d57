import type { CommandResult, JoinMember } from '../commands.ts';
import type { Application } from './application.ts';
import { tokenRefusal, useToken } from './use-token.ts';

/** Only while it is invited: once it has come, nobody else can come in its place. */
export function joinMember(application: Application, { tokenId, id }: JoinMember): CommandResult {
  const refusal = tokenRefusal(application, tokenId, 'control-plane');
  if (refusal !== undefined) return application.refuse('CELL_E_FORBIDDEN', refusal);
  const status = application.tables.members.get(id)?.status;
  if (status === undefined) {
    const message = `Member ${id} is not invited; say "cellctl control-plane add" first`;
    return application.refuse('CELL_E_NOT_FOUND', message);
  }
  if (status === 'removed') {
    const message = `Member ${id} was removed; add it again with an id that was never used and an empty data folder`;
    return application.refuse('CELL_E_REMOVED', message);
  }
  if (status === 'member') {
    const message = `Member ${id} has joined before; if its data is lost, remove it, and add it with a new id`;
    return application.refuse('CELL_E_CONFLICT', message);
  }
  const usedUp = useToken(application, tokenId);
  if (usedUp !== undefined) return application.refuse('CELL_E_FORBIDDEN', usedUp);
  return application.done();
}
