import { CoreError } from '../core-error.ts';
import { countWithin, entriesSize } from '../entry-size.ts';
import { InvariantError } from '../invariant-error.ts';
import { NO_ENTRIES } from '../message.ts';
import type { Entry, LogReader, Snapshot, TraceEvent } from '../types.ts';
import { ApplyWindow } from './apply-window.ts';
import { Unstable } from './unstable.ts';

/**
 * The whole log: what storage has, and the unstable end of it.
 *
 * Invariant: applied <= applying <= committed <= lastIndex.
 */
export class RaftLog {
  committed: number;
  readonly unstable: Unstable;
  readonly window: ApplyWindow;
  private readonly reader: LogReader;
  private readonly trace: ((event: TraceEvent) => void) | undefined;

  constructor(reader: LogReader, applyingSizeMax: number, trace: ((event: TraceEvent) => void) | undefined) {
    this.reader = reader;
    this.trace = trace;
    this.unstable = new Unstable(reader.lastIndex() + 1, trace);
    this.committed = reader.firstIndex() - 1;
    this.window = new ApplyWindow(this.committed, applyingSizeMax);
  }

  get applied(): number {
    return this.window.applied;
  }

  firstIndex(): number {
    return this.unstable.firstIndex() ?? this.reader.firstIndex();
  }

  lastIndex(): number {
    return this.unstable.lastIndex() ?? this.reader.lastIndex();
  }

  /** The term of the entry at `index`, or `undefined` if it is compacted or not there yet. */
  term(index: number): number | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    // The term just below the first entry is still known, from the snapshot; a message needs it to link on.
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return undefined;
    return this.reader.term(index);
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    if (term === undefined) throw new InvariantError(`The last entry '${this.lastIndex()}' has no term`);
    return term;
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Is a log that ends in (index, term) at least as complete as ours? The paper, section 5.4.1. */
  isUpToDate(index: number, term: number): boolean {
    const ourTerm = this.lastTerm();
    return term > ourTerm || (term === ourTerm && index >= this.lastIndex());
  }

  /** Entries from `index` to the end within `sizeMax` bytes; `undefined` if they are compacted. */
  entriesFrom(index: number, sizeMax: number): readonly Entry[] | undefined {
    const last = this.lastIndex();
    if (index > last) return NO_ENTRIES;
    if (index < this.firstIndex()) return undefined;
    return this.slice(index, last + 1, sizeMax);
  }

  /** Entries of [low, high), at least one, within `sizeMax` bytes. */
  slice(low: number, high: number, sizeMax: number): readonly Entry[] {
    const { offset, entries } = this.unstable;
    if (low >= offset) {
      const start = low - offset;
      return entries.slice(start, start + countWithin(entries, start, high - offset, sizeMax));
    }
    const cut = Math.min(high, offset);
    const stored = this.reader.entries(low, cut, sizeMax);
    if (high <= offset || stored.length < cut - low) return stored;
    const left = sizeMax - (sizeMax === Number.POSITIVE_INFINITY ? 0 : entriesSize(stored));
    if (left <= 0) return stored;
    const count = countWithin(entries, 0, high - offset, left);
    // countWithin always grants one; here there is something already, so even that one has to fit.
    if (count === 1 && entriesSize(entries.slice(0, 1)) > left) return stored;
    return stored.concat(entries.slice(0, count));
  }

  /**
   * A follower's append: takes `entries` if our log has (previousIndex, previousTerm), and commits as far as the
   * leader has and the message proves. Returns the last index that now matches, or `undefined`.
   */
  maybeAppend(
    previousIndex: number,
    previousTerm: number,
    entries: readonly Entry[],
    commit: number,
  ): number | undefined {
    if (!this.matches(previousIndex, previousTerm)) return undefined;
    const last = previousIndex + entries.length;
    const conflict = this.findConflict(entries);
    if (conflict !== 0) {
      if (conflict <= this.committed) {
        throw new InvariantError(`Entry '${conflict}' conflicts with a committed one (committed: ${this.committed})`);
      }
      this.append(conflict === previousIndex + 1 ? entries : entries.slice(conflict - previousIndex - 1));
    }
    this.commitTo(Math.min(commit, last));
    return last;
  }

  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index <= this.committed) {
      throw new InvariantError(`Entry '${first.index}' would replace a committed one (committed: ${this.committed})`);
    }
    this.unstable.append(entries);
  }

  /** The first of `entries` that our log lacks or has with another term; 0 if it has them all. */
  findConflict(entries: readonly Entry[]): number {
    for (let i = 0; i < entries.length; i++) {
      const { index, term } = entries[i] as Entry;
      const ours = this.term(index);
      if (ours === term) continue;
      if (index <= this.lastIndex()) {
        this.trace?.({ level: 'info', kind: 'log-conflict', index, existingTerm: ours ?? 0, term });
      }
      return index;
    }
    return 0;
  }

  /**
   * The largest index at or below `index` whose term is at most `term`: above it, logs that end in `term` can't
   * match ours. The term is 0 where it is not known.
   */
  findConflictByTerm(index: number, term: number): { index: number; term: number } {
    for (let at = index; at > 0; at--) {
      const ours = this.term(at);
      if (ours === undefined) return { index: at, term: 0 };
      if (ours <= term) return { index: at, term: ours };
    }
    return { index: 0, term: 0 };
  }

  /** Commits up to `index` if the entry there is of `term`. False if that is nothing new. */
  maybeCommit(index: number, term: number): boolean {
    if (term === 0 || index <= this.committed || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    if (index > this.lastIndex()) {
      throw new CoreError(
        'log-lost',
        `Can't commit index '${index}': the log ends at '${this.lastIndex()}', so entries that this member once ` +
          'acknowledged are lost; wipe its data and let it join again',
      );
    }
    this.committed = index;
  }

  restore(snapshot: Snapshot): void {
    this.trace?.({
      level: 'info',
      kind: 'log-restore',
      committed: this.committed,
      applied: this.window.applied,
      applying: this.window.applying,
      unstableOffset: this.unstable.offset,
      unstableOffsetInProgress: this.unstable.offsetInProgress,
      unstableCount: this.unstable.entries.length,
      index: snapshot.meta.index,
      term: snapshot.meta.term,
    });
    this.committed = snapshot.meta.index;
    this.unstable.restore(snapshot);
  }

  /** May throw LogError `snapshot-temporarily-unavailable`. */
  snapshot(): Snapshot {
    return this.unstable.snapshot ?? this.reader.snapshot();
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.window.paused || this.unstable.snapshot !== undefined) return false;
    return this.window.applying < this.appliable(allowUnstable);
  }

  /** Committed entries that nobody has begun to apply, as many as the window lets through. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    return this.slice(this.window.applying + 1, this.appliable(allowUnstable) + 1, this.window.room());
  }

  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = (entries[entries.length - 1] as Entry).index;
    this.window.accept(last, entriesSize(entries), this.appliable(allowUnstable));
  }

  appliedTo(index: number, bytes: number): void {
    if (index > this.committed) {
      throw new InvariantError(`Index '${index}' is applied but not committed (committed: ${this.committed})`);
    }
    this.window.appliedTo(index, bytes);
  }

  /** The last index that may be applied: committed, and stored here too unless that is waited for elsewhere. */
  private appliable(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }
}
