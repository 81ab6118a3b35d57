import { countWithin } from '../entry-size.ts';
import { InvariantError } from '../invariant-error.ts';
import { NO_BYTES, NO_ENTRIES } from '../message.ts';
import type { ConfState, Entry, HardState, LogReader, Snapshot } from '../types.ts';
import { LogError } from '../types.ts';

export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** A log in memory, for tests, for the simulator, and as the mirror of a durable one. */
export class MemoryLog implements LogReader {
  private hardState: HardState = { term: 0, vote: 0, commit: 0 };
  private current: Snapshot = { meta: { index: 0, term: 0, conf: EMPTY_CONF_STATE }, data: NO_BYTES };
  /** What was compacted last: the log starts behind it. */
  private baseIndex = 0;
  private baseTerm = 0;
  private stored: Entry[] = [];

  initialState(): { readonly hardState: HardState; readonly conf: ConfState } {
    return { hardState: this.hardState, conf: this.current.meta.conf };
  }

  firstIndex(): number {
    return this.baseIndex + 1;
  }

  lastIndex(): number {
    return this.baseIndex + this.stored.length;
  }

  term(index: number): number {
    if (index === this.baseIndex) return this.baseTerm;
    if (index < this.baseIndex) throw new LogError('compacted', `Entry '${index}' is compacted`);
    const entry = this.stored[index - this.baseIndex - 1];
    if (entry === undefined) throw new LogError('unavailable', `Entry '${index}' is not in the log`);
    return entry.term;
  }

  entries(low: number, high: number, sizeMax: number): readonly Entry[] {
    if (low <= this.baseIndex) throw new LogError('compacted', `Entry '${low}' is compacted`);
    if (high > this.lastIndex() + 1) throw new LogError('unavailable', `Entry '${high - 1}' is not in the log`);
    if (low >= high) return NO_ENTRIES;
    const start = low - this.baseIndex - 1;
    const end = high - this.baseIndex - 1;
    return this.stored.slice(start, start + countWithin(this.stored, start, end, sizeMax));
  }

  snapshot(): Snapshot {
    return this.current;
  }

  setHardState(hardState: HardState): void {
    this.hardState = hardState;
  }

  /** Adds entries; those that are compacted already are left out, and a conflicting end is replaced. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const fresh = first.index <= this.baseIndex ? entries.slice(this.baseIndex + 1 - first.index) : entries;
    if (fresh.length === 0) return;
    const at = (fresh[0] as Entry).index - this.baseIndex - 1;
    if (at > this.stored.length) {
      throw new InvariantError(`Entries from '${first.index}' leave a gap behind '${this.lastIndex()}'`);
    }
    this.stored.length = at;
    for (const entry of fresh) this.stored.push(entry);
  }

  /** Replaces the whole log by a snapshot. */
  applySnapshot(snapshot: Snapshot): void {
    if (snapshot.meta.index <= this.current.meta.index && this.current.meta.index > 0) {
      throw new LogError('snapshot-out-of-date', `Snapshot '${snapshot.meta.index}' is older than the stored one`);
    }
    this.current = snapshot;
    this.baseIndex = snapshot.meta.index;
    this.baseTerm = snapshot.meta.term;
    this.stored = [];
  }

  /** Notes a snapshot of the state machine at `index`; the log stays as it is until `compact`. */
  createSnapshot(index: number, conf: ConfState, data: Uint8Array): Snapshot {
    if (index <= this.current.meta.index) {
      throw new LogError('snapshot-out-of-date', `Snapshot '${index}' is not newer than the stored one`);
    }
    this.current = { meta: { index, term: this.term(index), conf }, data };
    return this.current;
  }

  /** Forgets all entries at or below `index`. */
  compact(index: number): void {
    if (index <= this.baseIndex) throw new LogError('compacted', `Entry '${index}' is compacted already`);
    const term = this.term(index);
    this.stored = this.stored.slice(index - this.baseIndex);
    this.baseIndex = index;
    this.baseTerm = term;
  }
}
