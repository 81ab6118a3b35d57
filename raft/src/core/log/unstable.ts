import { InvariantError } from '../invariant-error.ts';
import type { Entry, Snapshot, TraceEvent } from '../types.ts';

/**
 * The end of the log that storage may not have yet, or a snapshot that it may not have. What was handed out to be
 * stored is "in progress" until storage says that it is stable; a later term may overwrite it in between.
 *
 * Invariants: entries[i] has index offset + i; offset <= offsetInProgress <= offset + entries.length.
 */
export class Unstable {
  snapshot: Snapshot | undefined = undefined;
  snapshotInProgress = false;
  entries: Entry[] = [];
  offset: number;
  offsetInProgress: number;
  private readonly trace: ((event: TraceEvent) => void) | undefined;

  constructor(offset: number, trace: ((event: TraceEvent) => void) | undefined) {
    this.offset = offset;
    this.offsetInProgress = offset;
    this.trace = trace;
  }

  firstIndex(): number | undefined {
    return this.snapshot === undefined ? undefined : this.snapshot.meta.index + 1;
  }

  lastIndex(): number | undefined {
    if (this.entries.length > 0) return this.offset + this.entries.length - 1;
    return this.snapshot?.meta.index;
  }

  term(index: number): number | undefined {
    if (index < this.offset) {
      return this.snapshot !== undefined && this.snapshot.meta.index === index ? this.snapshot.meta.term : undefined;
    }
    return this.entries[index - this.offset]?.term;
  }

  hasNextEntries(): boolean {
    return this.offset + this.entries.length > this.offsetInProgress;
  }

  /** Entries that nobody has begun to store. */
  nextEntries(): readonly Entry[] {
    return this.entries.slice(this.offsetInProgress - this.offset);
  }

  nextSnapshot(): Snapshot | undefined {
    return this.snapshotInProgress ? undefined : this.snapshot;
  }

  /** Everything here has been handed out to be stored. */
  acceptInProgress(): void {
    this.offsetInProgress = this.offset + this.entries.length;
    if (this.snapshot !== undefined) this.snapshotInProgress = true;
  }

  /**
   * Storage has everything up to the entry (index, term). If the entry here is another one, a later term replaced
   * it while it was being written, and the word is out of date.
   */
  stableTo(index: number, term: number): void {
    const ours = this.term(index);
    if (ours === undefined) {
      this.trace?.({ level: 'info', kind: 'unstable-entry-missing', index });
      return;
    }
    if (index < this.offset) {
      this.trace?.({ level: 'info', kind: 'unstable-entry-is-snapshot', index });
      return;
    }
    if (ours !== term) {
      this.trace?.({ level: 'info', kind: 'unstable-entry-replaced', index, term, ourTerm: ours });
      return;
    }
    const count = index + 1 - this.offset;
    // Most often all of it became stable; a new array is cheaper than moving elements that are to be forgotten.
    this.entries = count === this.entries.length ? [] : this.entries.slice(count);
    this.offset = index + 1;
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot !== undefined && this.snapshot.meta.index === index) {
      this.snapshot = undefined;
      this.snapshotInProgress = false;
    }
  }

  restore(snapshot: Snapshot): void {
    this.offset = snapshot.meta.index + 1;
    this.offsetInProgress = this.offset;
    this.entries = [];
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Adds entries, which replace everything from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    const end = this.offset + this.entries.length;
    if (from > end) throw new InvariantError(`Entries from '${from}' leave a gap behind '${end - 1}'`);
    if (from === end) {
      for (const entry of entries) this.entries.push(entry);
      return;
    }
    if (from <= this.offset) {
      this.trace?.({ level: 'info', kind: 'unstable-replaced', index: from });
      this.entries = entries.slice();
      this.offset = from;
      this.offsetInProgress = from;
      return;
    }
    this.trace?.({ level: 'info', kind: 'unstable-truncated', index: from });
    this.entries.length = from - this.offset;
    for (const entry of entries) this.entries.push(entry);
    // What is being written from here on is no longer what has to be written.
    this.offsetInProgress = Math.min(this.offsetInProgress, from);
  }
}
