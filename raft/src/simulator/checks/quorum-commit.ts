import type { NodeId } from '../../core/index.ts';
import type { Check, LogView, MemberView, Verdict } from './check.ts';
import { termAt } from './check.ts';

/**
 * What a leader commits is of its own term (the paper, 5.4.2) and durable on a majority of the voters, of both sets in
 * a joint configuration. This is where a lie about durability shows, long before a crash makes use of it.
 */
export class QuorumCommit implements Check {
  readonly property = 'quorum commit';
  readonly #durableOf: (id: NodeId) => LogView | undefined;

  constructor(durableOf: (id: NodeId) => LogView | undefined) {
    this.#durableOf = durableOf;
  }

  committed(member: MemberView, _from: number, log: LogView): Verdict {
    if (member.role !== 'leader') return undefined;
    const { id, commit, term, conf } = member;
    const entryTerm = termAt(log, commit);
    if (entryTerm !== term) {
      return `Leader ${id} of term ${term} committed index ${commit} of term ${entryTerm} by counting`;
    }
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      if (voters.length === 0) continue;
      const holders = voters.filter((voter) => this.#holds(voter, commit, term));
      if (holders.length * 2 > voters.length) continue;
      return (
        `Leader ${id} of term ${term} committed index ${commit}, which is durable on [${holders.join(' ')}] of the ` +
        `voters [${voters.join(' ')}] only`
      );
    }
    return undefined;
  }

  #holds(voter: NodeId, index: number, term: number): boolean {
    const durable = this.#durableOf(voter);
    if (durable === undefined) return false;
    // Compacted means committed, by someone who knew already.
    return index < durable.firstIndex() - 1 || termAt(durable, index) === term;
  }
}
