import type { NodeId } from '../types.ts';

/** Where to look up how far a node has come; `undefined` if nothing is known of it. */
export interface AckedIndexes {
  ackedIndex(id: NodeId): number | undefined;
}

export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * The largest index that a majority of `voters` has acknowledged. Without voters it is infinite, so that an empty
 * half of a joint configuration never holds the other one back.
 */
export function majorityCommitted(voters: readonly NodeId[], acked: AckedIndexes): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  // An insertion sort: the configurations are tiny, and nothing is allocated but this one array.
  const ascending: number[] = [];
  for (let i = 0; i < count; i++) {
    const index = acked.ackedIndex(voters[i] as NodeId) ?? 0;
    let at = i;
    while (at > 0 && (ascending[at - 1] as number) > index) {
      ascending[at] = ascending[at - 1] as number;
      at--;
    }
    ascending[at] = index;
  }
  // Of n sorted indexes, the one at n - (n/2 + 1) is reached by a majority.
  return ascending[count - (Math.floor(count / 2) + 1)] as number;
}

/** The outcome of a vote among `voters`. Without voters it is won, for the same reason as above. */
export function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const needed = Math.floor(voters.length / 2) + 1;
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}
