import { InvariantError } from './invariant-error.ts';
import { NO_BYTES } from './message.ts';
import type { Raft } from './raft.ts';
import { appendOwn } from './replication.ts';
import type { Entry, NodeId } from './types.ts';

/** The four roles and the ways between them: the paper, figure 4; pre-candidates are of the dissertation, 9.6. */

export function becomeFollower(raft: Raft, term: number, leader: NodeId): void {
  reset(raft, term);
  raft.leader = leader;
  raft.role = 'follower';
  raft.trace({ level: 'info', kind: 'became-follower', id: raft.id, term: raft.term });
}

/** Asks around whether an election could be won. Neither term nor vote change, so nothing is given away by it. */
export function becomePreCandidate(raft: Raft): void {
  if (raft.role === 'leader') throw new InvariantError('A leader must not become pre-candidate');
  raft.tracker.resetVotes();
  raft.leader = 0;
  raft.role = 'pre-candidate';
  raft.trace({ level: 'info', kind: 'became-pre-candidate', id: raft.id, term: raft.term });
}

export function becomeCandidate(raft: Raft): void {
  if (raft.role === 'leader') throw new InvariantError('A leader must not become candidate');
  reset(raft, raft.term + 1);
  raft.vote = raft.id;
  raft.role = 'candidate';
  raft.trace({ level: 'info', kind: 'became-candidate', id: raft.id, term: raft.term });
}

const FIRST_ENTRY: Entry = { term: 0, index: 0, type: 'normal', data: NO_BYTES };

export function becomeLeader(raft: Raft): void {
  if (raft.role === 'follower') throw new InvariantError('A follower must not become leader');
  reset(raft, raft.term);
  raft.leader = raft.id;
  raft.role = 'leader';
  const own = raft.tracker.progress.get(raft.id);
  if (own === undefined) throw new InvariantError(`Leader '${raft.id}' is not a member`);
  own.becomeReplicate();
  own.recentlyActive = true;
  // There may be a membership change in what the predecessors left. To find out would take a scan of the log; it is
  // as safe to wait until all of it is applied.
  raft.pendingConfIndex = raft.log.lastIndex();
  // An entry of the new term, since only such are committed by counting. It is empty and thus never refused.
  if (!appendOwn(raft, [FIRST_ENTRY])) throw new InvariantError("The leader's first entry was refused");
  raft.trace({ level: 'info', kind: 'became-leader', id: raft.id, term: raft.term });
}

/** What every change of role or term begins with. */
function reset(raft: Raft, term: number): void {
  if (raft.term !== term) {
    raft.term = term;
    raft.vote = 0;
  }
  raft.leader = 0;
  raft.electionElapsed = 0;
  raft.heartbeatElapsed = 0;
  const { electionTicks, random } = raft.config;
  raft.randomizedElectionTicks = electionTicks + random(electionTicks);
  raft.transferee = 0;
  raft.leaseBroken = false;
  raft.tracker.resetVotes();
  const last = raft.log.lastIndex();
  for (const [id, progress] of raft.tracker.progress) progress.reset(id === raft.id ? last : 0, last + 1);
  raft.pendingConfIndex = 0;
  raft.uncommittedSize = 0;
  raft.readOnly.reset();
  raft.lease.reset();
  raft.pendingReads = [];
}
