import type { Message, NodeId } from '../../core/index.ts';
import type { Check, EntryLogView, MemberView, Verdict } from './check.ts';

/** More terms than any simulation has: voter and term in one number. */
const TERMS_MAX = 2 ** 21;

/**
 * A leader has the votes of a majority of the voters (the paper, 5.2), of both sets in a joint configuration. The
 * voters are those of the latest membership that it knows to be committed (etcd issue 12133).
 */
export class QuorumElection implements Check {
  readonly property = 'quorum election';
  readonly #votes = new Map<number, NodeId>();
  readonly #logOf: (member: MemberView) => EntryLogView;

  constructor(logOf: (member: MemberView) => EntryLogView) {
    this.#logOf = logOf;
  }

  sent({ type, from, to, term, reject }: Message): Verdict {
    if (type === 'vote-response' && !reject) this.#votes.set(from * TERMS_MAX + term, to);
    return undefined;
  }

  stepped(before: MemberView | undefined, after: MemberView): Verdict {
    const elected = after.role === 'leader' && (before?.role !== 'leader' || before.term !== after.term);
    if (!elected) return undefined;
    const { id, term, conf } = after;
    const unapplied = this.#unappliedChange(after);
    if (unapplied !== undefined) {
      return `Member ${id} leads term ${term}, and the committed change of membership at ${unapplied} is not applied`;
    }
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      if (voters.length === 0) continue;
      const given = voters.filter((voter) => voter === id || this.#votes.get(voter * TERMS_MAX + term) === id);
      if (given.length * 2 > voters.length) continue;
      return `Member ${id} leads term ${term} by the votes of [${given.join(' ')}] of [${voters.join(' ')}] only`;
    }
    return undefined;
  }

  #unappliedChange(member: MemberView): number | undefined {
    const log = this.#logOf(member);
    const low = Math.max(member.applied + 1, log.firstIndex());
    const high = Math.min(member.commit, log.lastIndex()) + 1;
    if (low >= high) return undefined;
    return log.entries(low, high, Number.POSITIVE_INFINITY).find(({ type }) => type === 'conf-change')?.index;
  }
}
