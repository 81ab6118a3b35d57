import type { MemberRow } from '../../model/members.ts';
import type { CommandResult, RemoveMember } from '../commands.ts';
import type { Application } from './application.ts';

/** Result detail: `unchanged`. */
export function removeMember(application: Application, { id }: RemoveMember): CommandResult {
  const row = application.tables.members.get(id);
  if (row === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no member ${id}`);
  if (row.status === 'removed') return application.done({ unchanged: true });
  application.putMember(removed(row, application));
  application.event('MemberRemoved', `control-plane/${id}`, `Member ${id} is out for ever`);
  return application.done({ unchanged: false });
}

/** The row as it stays for ever; its addresses are free for others. */
export function removed(row: MemberRow, { index, timeMs }: Application): MemberRow {
  return { ...row, grpc: '', peers: '', http: '', status: 'removed', changedAtMs: timeMs, modifyIndex: index };
}
