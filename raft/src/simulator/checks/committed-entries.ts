import type { Entry } from '../../core/index.ts';
import { sameData } from './check.ts';

interface Committed {
  readonly entry: Entry;
  /** The term of whoever was first seen to know that it is committed. */
  readonly inTerm: number;
}

/** All that was ever known to be committed by anyone: the history that the checks share. */
export class CommittedEntries {
  readonly #byIndex = new Map<number, Committed>();
  #lastIndex = 0;

  /** The highest committed index. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  at(index: number): Committed | undefined {
    return this.#byIndex.get(index);
  }

  /** Notes an entry; returns the one that was committed at its index before if that is another. */
  note(entry: Entry, inTerm: number): Entry | undefined {
    const known = this.#byIndex.get(entry.index);
    if (known === undefined) {
      this.#byIndex.set(entry.index, { entry, inTerm });
      this.#lastIndex = Math.max(this.#lastIndex, entry.index);
      return undefined;
    }
    if (inTerm < known.inTerm) this.#byIndex.set(entry.index, { entry: known.entry, inTerm });
    return known.entry.term === entry.term && sameData(known.entry, entry) ? undefined : known.entry;
  }
}
