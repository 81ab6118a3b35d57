import { type MemberRow, presentMembers } from '../../model/members.ts';
import type { CommandResult, InviteMember, RefusalCode } from '../commands.ts';
import { MEMBER_ROWS_MAX, MEMBERS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

const addressKeys = ['grpc', 'peers', 'http'] as const;

type Invitation = Pick<InviteMember, 'id' | 'grpc' | 'peers' | 'http'>;
type Refusal = readonly [code: RefusalCode, message: string];

/** Result detail: `unchanged`. Ids are used once for ever, and an address belongs to one member at a time. */
export function inviteMember(application: Application, command: InviteMember): CommandResult {
  const { id, grpc, peers, http } = command;
  const { members } = application.tables;
  const refusal = invitationRefusal(members, command);
  if (refusal !== undefined) return application.refuse(...refusal);
  if (members.has(id)) return application.done({ unchanged: true });
  const { index: modifyIndex, timeMs: changedAtMs } = application;
  application.putMember({ id, grpc, peers, http, incarnation: '', status: 'invited', changedAtMs, modifyIndex });
  application.event('MemberInvited', `control-plane/${id}`, `Member ${id} may come, from ${peers}`);
  return application.done({ unchanged: false });
}

/** Why a member can't be invited; undefined if it can, or is already, with the same addresses. */
export function invitationRefusal(
  members: ReadonlyMap<number, MemberRow>,
  invitation: Invitation,
): Refusal | undefined {
  const before = members.get(invitation.id);
  if (before === undefined) return newcomerRefusal(members, invitation);
  const { id, status, grpc, peers, http } = before;
  if (status === 'removed') {
    const why = `Id ${id} belonged to a member that was removed, and ids are never used again`;
    return ['CELL_E_CONFLICT', `${why}; choose one that was never used`];
  }
  if (addressKeys.every((key) => before[key] === invitation[key])) return undefined;
  const known = `Member ${id} is there already, at ${grpc}, ${peers} and ${http}`;
  return ['CELL_E_CONFLICT', `${known}; choose another id, or remove that one first`];
}

function newcomerRefusal(members: ReadonlyMap<number, MemberRow>, invitation: Invitation): Refusal | undefined {
  const { id } = invitation;
  if (id < 1) return ['CELL_E_INVALID', `The id of a member is a number from 1, and not ${id}`];
  const present = presentMembers(members);
  const taken = new Map(present.flatMap((row) => addressKeys.map((key) => [row[key], row.id] as const)));
  for (const key of addressKeys) {
    const address = invitation[key];
    if (address === '') return ['CELL_E_INVALID', `Member ${id} needs three addresses: one is missing`];
    const owner = taken.get(address);
    if (owner !== undefined) {
      const whose = owner === id ? 'is given twice' : `belongs to member ${owner}`;
      return ['CELL_E_CONFLICT', `The address "${address}" ${whose}; each member needs three of its own`];
    }
    taken.set(address, id);
  }
  if (present.length >= MEMBERS_MAX) {
    return ['CELL_E_LIMIT', `There are ${MEMBERS_MAX} members, and no more are allowed; remove one first`];
  }
  if (members.size >= MEMBER_ROWS_MAX) {
    return ['CELL_E_LIMIT', `${MEMBER_ROWS_MAX} ids of members were used already, and no more are allowed`];
  }
  return undefined;
}
