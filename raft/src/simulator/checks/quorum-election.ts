import type { Message, NodeId } from '../../core/index.ts';
import type { Check, MemberView, Verdict } from './check.ts';

/** More terms than any simulation has: voter and term in one number. */
const TERMS_MAX = 2 ** 21;

/** A leader has the votes of a majority of the voters (the paper, 5.2), of both sets in a joint configuration. */
export class QuorumElection implements Check {
  readonly property = 'quorum election';
  readonly #votes = new Map<number, NodeId>();

  sent({ type, from, to, term, reject }: Message): Verdict {
    if (type === 'vote-response' && !reject) this.#votes.set(from * TERMS_MAX + term, to);
    return undefined;
  }

  stepped(before: MemberView | undefined, after: MemberView): Verdict {
    const elected = after.role === 'leader' && (before?.role !== 'leader' || before.term !== after.term);
    if (!elected) return undefined;
    const { id, term, conf } = after;
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      if (voters.length === 0) continue;
      const given = voters.filter((voter) => voter === id || this.#votes.get(voter * TERMS_MAX + term) === id);
      if (given.length * 2 > voters.length) continue;
      return `Member ${id} leads term ${term} by the votes of [${given.join(' ')}] of [${voters.join(' ')}] only`;
    }
    return undefined;
  }
}
