import { receiveVote } from './election.ts';
import { receiveAppend, receiveHeartbeat, receiveSnapshot } from './follow.ts';
import { dropped } from './propose.ts';
import type { Raft } from './raft.ts';
import { becomeFollower } from './roles.ts';
import type { Message } from './types.ts';

/** Messages to a candidate or pre-candidate, of its own term or local. */
export function stepCandidate(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'vote-response':
      // Answers to the pre-vote of the same term may still come in: they are no votes.
      if (raft.role === 'candidate') receiveVote(raft, message);
      return;
    case 'pre-vote-response':
      if (raft.role === 'pre-candidate') receiveVote(raft, message);
      return;
    // Somebody else was elected in this term.
    case 'append':
      becomeFollower(raft, message.term, message.from);
      receiveAppend(raft, message);
      return;
    case 'heartbeat':
      becomeFollower(raft, message.term, message.from);
      receiveHeartbeat(raft, message);
      return;
    case 'snapshot':
      becomeFollower(raft, message.term, message.from);
      receiveSnapshot(raft, message);
      return;
    case 'propose':
      raft.trace({ level: 'info', kind: 'proposal-dropped-no-leader', id: raft.id, term: raft.term });
      throw dropped(`member '${raft.id}' knows of no leader`);
    case 'timeout-now': {
      const { id, term, role } = raft;
      raft.trace({ level: 'debug', kind: 'timeout-now-ignored', id, term, role, from: message.from });
      return;
    }
    default:
  }
}
