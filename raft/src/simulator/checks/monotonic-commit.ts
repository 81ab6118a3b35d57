import type { Check, MemberView, Verdict } from './check.ts';

/** Terms and commit indexes go forward only, as long as a member runs, and stay within the log. */
export class MonotonicCommit implements Check {
  readonly property = 'monotonic commit';

  stepped(before: MemberView | undefined, after: MemberView): Verdict {
    if (after.commit > after.lastIndex) {
      return `Member ${after.id} committed up to ${after.commit}, and its log ends at ${after.lastIndex}`;
    }
    if (before === undefined || before.start !== after.start) return undefined;
    if (after.commit < before.commit) {
      return `The commit index of member ${after.id} fell from ${before.commit} to ${after.commit}`;
    }
    if (after.term < before.term) {
      return `The term of member ${after.id} fell from ${before.term} to ${after.term}`;
    }
    return undefined;
  }
}
