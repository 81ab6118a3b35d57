import type { RaftStatus } from '@cell/raft';
import { CellError } from '../cell-error.ts';
import type { Replication } from '../ports.ts';

/** How far the members are; throws `CELL_E_NOT_LEADER` on a member that does not lead, since it can't know. */
export function replicationOf({ id: own, role, lastIndex, members }: RaftStatus): Replication {
  if (role !== 'leader') throw new CellError('CELL_E_NOT_LEADER', `Member ${own} is not the leader`);
  return {
    lastIndex,
    members: members.map(({ id, match, state, lastContactMs, learner }) => {
      return { id, matchIndex: match, state, lastContactMs, learner };
    }),
  };
}
