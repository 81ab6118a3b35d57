import type { Entry } from '../../core/index.ts';
import type { Check, MemberView, Verdict } from './check.ts';
import { sameData } from './check.ts';

interface Sighting {
  readonly entry: Entry;
  readonly previousTerm: number | undefined;
}

/** More terms than any simulation has: index and term in one number. */
const TERMS_MAX = 2 ** 21;

/**
 * If two logs hold an entry with the same index and term, they are the same up to there (the paper, figure 3). It is
 * enough that such entries are the same and follow on entries of the same term: the rest follows by induction.
 */
export class LogMatching implements Check {
  readonly property = 'log matching';
  readonly #sightings = new Map<number, Sighting>();

  logged(member: MemberView, entries: readonly Entry[], previousTerm: number | undefined): Verdict {
    let before = previousTerm;
    for (const entry of entries) {
      const fault = this.#look(entry, before);
      if (fault !== undefined) return `Member ${member.id}, index ${entry.index}, term ${entry.term}: ${fault}`;
      if (entry.term > member.term) {
        return `Member ${member.id} is in term ${member.term}, with an entry of term ${entry.term} at ${entry.index}`;
      }
      before = entry.term;
    }
    const last = entries.at(-1);
    if (last !== undefined && last.index !== member.lastIndex) {
      return `Member ${member.id} stores its log up to ${last.index}, and takes it to end at ${member.lastIndex}`;
    }
    return undefined;
  }

  #look(entry: Entry, previousTerm: number | undefined): Verdict {
    if (previousTerm !== undefined && previousTerm > entry.term) return `the term before is ${previousTerm}`;
    const key = entry.index * TERMS_MAX + entry.term;
    const known = this.#sightings.get(key);
    if (known === undefined) {
      this.#sightings.set(key, { entry, previousTerm });
      return undefined;
    }
    if (!sameData(known.entry, entry)) return 'another member has another entry there';
    if (known.previousTerm === undefined || previousTerm === undefined || known.previousTerm === previousTerm) {
      return undefined;
    }
    return `the term before is ${previousTerm} here, and ${known.previousTerm} on another member`;
  }
}
