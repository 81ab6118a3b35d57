import type { CommandResult, JoinMember, RefusalCode } from '../commands.ts';
import type { FleetState } from '../fleet-state.ts';
import type { Application } from './application.ts';
import { tokenRefusal, usedUpRefusal, useToken } from './use-token.ts';

type Refusal = readonly [code: RefusalCode, message: string];

/** Only while it is invited: once it has come, nobody else can come in its place. */
export function joinMember(application: Application, command: JoinMember): CommandResult {
  const refusal = joinMemberRefusal(application.tables, command);
  if (refusal !== undefined) return application.refuse(...refusal);
  useToken(application, command.tokenId);
  return application.done();
}

/** Why a machine can't become a member by a token; undefined if it can. */
export function joinMemberRefusal(
  tables: Pick<FleetState, 'tokens' | 'members'>,
  { tokenId, id, timeMs }: Pick<JoinMember, 'tokenId' | 'id' | 'timeMs'>,
): Refusal | undefined {
  const refusal = tokenRefusal({ tables, timeMs }, tokenId, 'control-plane');
  if (refusal !== undefined) return ['CELL_E_FORBIDDEN', refusal];
  const status = tables.members.get(id)?.status;
  if (status === undefined) {
    return ['CELL_E_NOT_FOUND', `Member ${id} is not invited; say "cellctl control-plane add" first`];
  }
  if (status === 'removed') {
    const message = `Member ${id} was removed; add it again with an id that was never used and an empty data folder`;
    return ['CELL_E_REMOVED', message];
  }
  if (status === 'member') {
    const message = `Member ${id} has joined before; if its data is lost, remove it, and add it with a new id`;
    return ['CELL_E_CONFLICT', message];
  }
  const usedUp = usedUpRefusal(tables, tokenId);
  return usedUp === undefined ? undefined : ['CELL_E_FORBIDDEN', usedUp];
}
