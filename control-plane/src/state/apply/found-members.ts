import type { CommandResult, FoundMembers } from '../commands.ts';
import { MEMBERS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

/** The founders are written once, before anybody else can be. */
export function foundMembers(application: Application, { members }: FoundMembers): CommandResult {
  if (application.tables.members.size > 0) {
    return application.refuse('CELL_E_CONFLICT', 'The founding members are written already');
  }
  const ids = new Set(members.map(({ id }) => id));
  if (members.length === 0 || members.length > MEMBERS_MAX || ids.size !== members.length || ids.has(0)) {
    const message = `A cluster has 1 to ${MEMBERS_MAX} founding members, each with an id of its own from 1`;
    return application.refuse('CELL_E_INVALID', message);
  }
  for (const { id, grpc, peers, http, incarnation } of members) {
    const founder = { id, grpc, peers, http, incarnation, status: 'member' as const };
    application.putMember({ ...founder, changedAtMs: application.timeMs, modifyIndex: application.index });
  }
  const named = [...ids].sort((one, other) => one - other).join(', ');
  const message = ids.size === 1 ? `Member ${named} founded it` : `Members ${named} founded it`;
  application.event('ClusterFounded', 'control-plane', message);
  return application.done();
}
