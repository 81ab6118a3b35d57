import type { Message, NodeId } from '../../core/index.ts';
import type { Check, DurableView, MemberView, Verdict } from './check.ts';

const TERMS_MAX = 2 ** 21;

/**
 * A member votes once in a term (the paper, 5.2), over all its starts; and what it promises to others, a vote or to
 * have stored entries, is on its disk by then. So is the term in which it asks for votes: else it could forget that,
 * and lead the same term twice.
 */
export class KeptPromises implements Check {
  readonly property = 'kept promises';
  readonly #votes = new Map<number, NodeId>();

  stepped(_before: MemberView | undefined, after: MemberView): Verdict {
    return after.role === 'leader' ? this.#vote(after.id, after.term, after.id) : undefined;
  }

  sent(message: Message, disk: DurableView): Verdict {
    const { type, from, to, term, index } = message;
    if (message.reject || term === 0) return undefined;
    if (type === 'vote-response') {
      const { hardState } = disk.initialState();
      if (hardState.term < term || (hardState.term === term && hardState.vote !== to)) {
        return (
          `Member ${from} gave its vote in term ${term} to ${to}, and its disk says term ${hardState.term}, ` +
          `vote ${hardState.vote}`
        );
      }
      return this.#vote(from, term, to);
    }
    if (type === 'vote') return this.#candidacy(message, disk);
    if (type !== 'append-response') return undefined;
    const stored = disk.initialState().hardState.term;
    if (stored < term) return `Member ${from} answered in term ${term}, and its disk says term ${stored}`;
    // If it has come to a later term meanwhile, a later leader may have replaced what it acknowledges here.
    if (stored === term && index > disk.lastIndex()) {
      return `Member ${from} acknowledged index ${index}, and its disk ends at ${disk.lastIndex()}`;
    }
    return undefined;
  }

  #candidacy({ from, term }: Message, disk: DurableView): Verdict {
    const { hardState } = disk.initialState();
    if (hardState.term > term || (hardState.term === term && hardState.vote === from)) return undefined;
    return `Member ${from} asks for votes in term ${term}, and its disk says term ${hardState.term}, vote ${hardState.vote}`;
  }

  #vote(voter: NodeId, term: number, candidate: NodeId): Verdict {
    const key = voter * TERMS_MAX + term;
    const known = this.#votes.get(key);
    if (known === undefined) this.#votes.set(key, candidate);
    else if (known !== candidate) return `Member ${voter} voted in term ${term} for ${known} and for ${candidate}`;
    return undefined;
  }
}
