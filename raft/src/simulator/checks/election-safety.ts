import type { Check, MemberView, Verdict } from './check.ts';

/** At most one leader in each term (the paper, figure 3), and it is elected once. */
export class ElectionSafety implements Check {
  readonly property = 'election safety';
  readonly #leaders = new Map<number, { readonly id: number; readonly start: number }>();

  stepped(_before: MemberView | undefined, after: MemberView): Verdict {
    if (after.role !== 'leader') return undefined;
    const known = this.#leaders.get(after.term);
    if (known === undefined) this.#leaders.set(after.term, { id: after.id, start: after.start });
    else if (known.id !== after.id || known.start !== after.start) {
      return (
        `Term ${after.term} has two leaders: member ${known.id} (start ${known.start}) and ` +
        `member ${after.id} (start ${after.start})`
      );
    }
    return undefined;
  }
}
