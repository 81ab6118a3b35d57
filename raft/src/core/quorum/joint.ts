import type { NodeId } from '../types.ts';
import type { AckedIndexes, VoteResult } from './majority.ts';
import { majorityCommitted, majorityVote } from './majority.ts';

/**
 * The voters in force. During a joint configuration every decision needs a majority of both sets; otherwise
 * `outgoing` is empty. Both are sorted and never changed in place.
 */
export interface JointVoters {
  readonly incoming: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
}

export function jointCommitted(voters: JointVoters, acked: AckedIndexes): number {
  const incoming = majorityCommitted(voters.incoming, acked);
  if (voters.outgoing.length === 0) return incoming;
  return Math.min(incoming, majorityCommitted(voters.outgoing, acked));
}

export function jointVote(voters: JointVoters, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVote(voters.incoming, votes);
  const outgoing = majorityVote(voters.outgoing, votes);
  if (incoming === outgoing) return incoming;
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return 'pending';
}

export function isVoter(voters: JointVoters, id: NodeId): boolean {
  return voters.incoming.includes(id) || voters.outgoing.includes(id);
}

/** All voters of both sets, in order of id, each once. */
export function voterIds(voters: JointVoters): NodeId[] {
  const ids = voters.incoming.concat(voters.outgoing.filter((id) => !voters.incoming.includes(id)));
  return ids.sort((a, b) => a - b);
}
