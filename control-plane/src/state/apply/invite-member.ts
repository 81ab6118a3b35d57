import { type MemberRow, presentMembers } from '../../model/members.ts';
import type { CommandResult, InviteMember } from '../commands.ts';
import { MEMBER_ROWS_MAX, MEMBERS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

const addressKeys = ['grpc', 'peers', 'http'] as const;

/** Result detail: `unchanged`. Ids are used once for ever, and an address belongs to one member at a time. */
export function inviteMember(application: Application, command: InviteMember): CommandResult {
  const { tables, index } = application;
  const { id, grpc, peers, http } = command;
  const before = tables.members.get(id);
  if (before !== undefined && before.status !== 'removed' && addressKeys.every((key) => before[key] === command[key])) {
    return application.done({ unchanged: true });
  }
  const refused = before === undefined ? whyNot(application, command) : whyNotAgain(before);
  if (refused !== undefined) return application.refuse(...refused);
  application.putMember({ id, grpc, peers, http, incarnation: '', status: 'invited', modifyIndex: index });
  application.event('MemberInvited', `control-plane/${id}`, `Member ${id} may come, from ${peers}`);
  return application.done({ unchanged: false });
}

type Refusal = Parameters<Application['refuse']>;

function whyNotAgain({ id, status, grpc, peers, http }: MemberRow): Refusal {
  if (status === 'removed') {
    const why = `Id ${id} belonged to a member that was removed, and ids are never used again`;
    return ['CELL_E_CONFLICT', `${why}; choose one that was never used`];
  }
  const known = `Member ${id} is there already, at ${grpc}, ${peers} and ${http}`;
  return ['CELL_E_CONFLICT', `${known}; choose another id, or remove that one first`];
}

function whyNot({ tables }: Application, command: InviteMember): Refusal | undefined {
  if (command.id < 1) return ['CELL_E_INVALID', `The id of a member is a number from 1, and not ${command.id}`];
  const present = presentMembers(tables.members);
  const taken = new Map(present.flatMap((row) => addressKeys.map((key) => [row[key], row.id] as const)));
  for (const key of addressKeys) {
    const address = command[key];
    if (address === '') return ['CELL_E_INVALID', `Member ${command.id} needs three addresses: one is missing`];
    const owner = taken.get(address);
    if (owner !== undefined) {
      const whose = owner === command.id ? 'is given twice' : `belongs to member ${owner}`;
      return ['CELL_E_CONFLICT', `The address "${address}" ${whose}; each member needs three of its own`];
    }
    taken.set(address, command.id);
  }
  if (present.length >= MEMBERS_MAX) {
    return ['CELL_E_LIMIT', `There are ${MEMBERS_MAX} members, and no more are allowed; remove one first`];
  }
  if (tables.members.size >= MEMBER_ROWS_MAX) {
    return ['CELL_E_LIMIT', `${MEMBER_ROWS_MAX} ids of members were used already, and no more are allowed`];
  }
  return undefined;
}
