import type { Entry, NodeId } from '../../core/index.ts';
import type { Check, MemberView, Verdict } from './check.ts';

interface Leadership {
  readonly start: number;
  readonly term: number;
  readonly lastIndex: number;
}

/** A leader never overwrites or deletes entries of its log (the paper, figure 3). */
export class LeaderAppendOnly implements Check {
  readonly property = 'leader append-only';
  readonly #leaderships = new Map<NodeId, Leadership>();

  stepped(_before: MemberView | undefined, after: MemberView): Verdict {
    const known = this.#leaderships.get(after.id);
    if (!this.#leads(known, after) || after.lastIndex >= known.lastIndex) return undefined;
    return `The log of leader ${after.id} in term ${after.term} shrank from ${known.lastIndex} to ${after.lastIndex}`;
  }

  logged(member: MemberView, entries: readonly Entry[]): Verdict {
    if (member.role !== 'leader') return undefined;
    const known = this.#leaderships.get(member.id);
    const first = entries[0];
    const { start, term } = member;
    this.#leaderships.set(member.id, { start, term, lastIndex: member.lastIndex });
    if (first === undefined || !this.#leads(known, member) || first.index === known.lastIndex + 1) return undefined;
    return `Leader ${member.id} in term ${term} wrote index ${first.index} again, having ${known.lastIndex} already`;
  }

  #leads(known: Leadership | undefined, now: MemberView): known is Leadership {
    return known !== undefined && now.role === 'leader' && known.start === now.start && known.term === now.term;
  }
}
