import type { AdmitMember, CommandResult } from '../commands.ts';
import type { Application } from './application.ts';

/**
 * Result detail: `unchanged`. Who comes by the name that is known is the same one as before; who comes by another one
 * has lost what it acknowledged, and must not vote again.
 */
export function admitMember(application: Application, { id, incarnation }: AdmitMember): CommandResult {
  const row = application.tables.members.get(id);
  if (row === undefined) {
    const message = `Member ${id} is not invited; say "cellctl control-plane add" first`;
    return application.refuse('CELL_E_NOT_FOUND', message);
  }
  if (row.status === 'removed') {
    const message = `Member ${id} was removed; add it again with an id that was never used and an empty data folder`;
    return application.refuse('CELL_E_REMOVED', message);
  }
  if (incarnation === '') return application.refuse('CELL_E_INVALID', `Member ${id} came without a name for its data`);
  if (row.incarnation === incarnation) return application.done({ unchanged: true });
  if (row.incarnation !== '') {
    const message = `Member ${id} came before with other data, which it has lost, or another machine has its id`;
    const remove = `say "cellctl control-plane remove ${id}"`;
    const advice = `give this machine an id of its own, or, if the data is lost, ${remove}, and add it with a new id`;
    return application.refuse('CELL_E_CONFLICT', `${message}; ${advice}`);
  }
  const { index: modifyIndex, timeMs: changedAtMs } = application;
  application.putMember({ ...row, incarnation, status: 'member', changedAtMs, modifyIndex });
  application.event('MemberAdmitted', `control-plane/${id}`, `Member ${id} came for the first time`);
  return application.done({ unchanged: false });
}
