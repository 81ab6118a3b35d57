import type { Check, EntryLogView, LogView, MemberView, Verdict } from './check.ts';
import { termAt } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';

/**
 * What was committed in a term is in the logs of all leaders of later terms (the paper, figure 3); and whoever
 * considers an index committed has the same entry there.
 */
export class LeaderCompleteness implements Check {
  readonly property = 'leader completeness';
  readonly #committed: CommittedEntries;
  readonly #logOf: (member: MemberView) => LogView;

  constructor(committed: CommittedEntries, logOf: (member: MemberView) => LogView) {
    this.#committed = committed;
    this.#logOf = logOf;
  }

  stepped(before: MemberView | undefined, after: MemberView): Verdict {
    const elected = after.role === 'leader' && (before?.role !== 'leader' || before.term !== after.term);
    if (!elected) return undefined;
    const log = this.#logOf(after);
    for (let index = log.firstIndex(); index <= this.#committed.lastIndex; index++) {
      const known = this.#committed.at(index);
      if (known === undefined || known.inTerm >= after.term || termAt(log, index) === known.entry.term) continue;
      return (
        `Leader ${after.id} of term ${after.term} lacks index ${index} of term ${known.entry.term}, which was ` +
        `committed in term ${known.inTerm}`
      );
    }
    return undefined;
  }

  committed(member: MemberView, from: number, log: EntryLogView): Verdict {
    const low = Math.max(from + 1, log.firstIndex());
    if (member.commit > log.lastIndex()) {
      return `Member ${member.id} considers ${member.commit} committed, and its log ends at ${log.lastIndex()}`;
    }
    if (low > member.commit) return undefined;
    for (const entry of log.entries(low, member.commit + 1, Number.POSITIVE_INFINITY)) {
      const other = this.#committed.note(entry, member.term);
      if (other === undefined) continue;
      return (
        `Member ${member.id} committed another entry at index ${entry.index} (term ${entry.term}) than was ` +
        `committed there before (term ${other.term})`
      );
    }
    return undefined;
  }
}
