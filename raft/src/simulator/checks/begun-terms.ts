import type { Check, MemberView, Verdict } from './check.ts';

/** The term in which all members begin. */
const FIRST_TERM = 1;

/**
 * A term begins with somebody who stands for election in it, having been in the one before (the paper, 5.2). Whoever
 * only asks how an election would go begins none, and neither does anyone who is asked (the dissertation, 9.6).
 */
export class BegunTerms implements Check {
  readonly property = 'begun terms';
  #last = FIRST_TERM;

  stepped(before: MemberView | undefined, after: MemberView): Verdict {
    if (after.term <= this.#last) return undefined;
    const stands = after.role === 'candidate' || after.role === 'leader';
    if (stands && before !== undefined && after.term === before.term + 1) {
      this.#last = after.term;
      return undefined;
    }
    return `Member ${after.id}, a ${after.role}, is in term ${after.term}, in which nobody has stood for election yet`;
  }
}
