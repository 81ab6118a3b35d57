import { EMPTY_CONF_STATE, entrySize, LogError } from '../core/index.ts';
import type { ConfState, Entry, HardState, LogReader, Snapshot, SnapshotMeta } from '../core/types.ts';

const NO_BYTES = new Uint8Array(0);

/** What a member with an empty directory that waits to be added starts from. */
export const EMPTY_META: SnapshotMeta = { index: 0, term: 0, conf: EMPTY_CONF_STATE };

export interface LogState {
  readonly hardState: HardState;
  /** The place before the first entry. */
  readonly base: { readonly index: number; readonly term: number };
  /** Contiguous, from `base.index + 1`. */
  readonly entries: Entry[];
  /** The newest snapshot in force, or the place where the cluster was founded. */
  readonly snapshot: SnapshotMeta;
  /** False for a founding place: there is no data to send yet. */
  readonly snapshotStored: boolean;
}

/**
 * The log's tail in memory, as the core reads it. A store changes it only once the same change is durable.
 * Invariant: `base.index <= snapshot.index`, and the entries are contiguous from `base.index + 1`.
 */
export class LogMirror implements LogReader {
  #hardState: HardState;
  #base: { readonly index: number; readonly term: number };
  #entries: Entry[];
  #memoryBytes: number;
  #snapshot: SnapshotMeta;
  #snapshotStored: boolean;

  constructor(state: LogState) {
    this.#hardState = state.hardState;
    this.#base = state.base;
    this.#entries = state.entries;
    this.#memoryBytes = dataBytes(state.entries);
    this.#snapshot = state.snapshot;
    this.#snapshotStored = state.snapshotStored;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get snapshotMeta(): SnapshotMeta {
    return this.#snapshot;
  }

  /** Bytes of data of the entries, which are all in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  initialState(): { readonly hardState: HardState; readonly conf: ConfState } {
    return { hardState: this.#hardState, conf: this.#snapshot.conf };
  }

  entries(low: number, high: number, sizeMax: number): readonly Entry[] {
    if (low <= this.#base.index) throw compacted(low, this.#base.index);
    if (high > this.lastIndex() + 1) throw unavailable(high - 1, this.lastIndex());
    const first = low - this.#base.index - 1;
    const limit = high - this.#base.index - 1;
    let size = 0;
    let end = first;
    while (end < limit) {
      size += entrySize(this.#entries[end] as Entry);
      if (size > sizeMax && end > first) break;
      end += 1;
    }
    return this.#entries.slice(first, end);
  }

  term(index: number): number {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index) throw compacted(index, this.#base.index);
    const entry = this.#entries[index - this.#base.index - 1];
    if (entry === undefined) throw unavailable(index, this.lastIndex());
    return entry.term;
  }

  firstIndex(): number {
    return this.#base.index + 1;
  }

  lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  snapshot(): Snapshot {
    if (this.#snapshotStored) return { meta: this.#snapshot, data: NO_BYTES };
    throw new LogError('snapshot-temporarily-unavailable', 'No snapshot has been made yet');
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Contiguous entries; those from the first one's index on are replaced. */
  replaceTail(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const keep = first.index - this.#base.index - 1;
    if (keep < 0) throw compacted(first.index, this.#base.index);
    if (keep > this.#entries.length) throw unavailable(first.index - 1, this.lastIndex());
    if (keep < this.#entries.length) this.#memoryBytes -= dataBytes(this.#entries.splice(keep));
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#memoryBytes += entry.data.length;
    }
  }

  /** A snapshot of our own state became durable; the log stays. */
  noteSnapshot(meta: SnapshotMeta): void {
    if (this.#snapshotStored && meta.index <= this.#snapshot.index) return;
    this.#snapshot = meta;
    this.#snapshotStored = true;
  }

  /** A received snapshot replaces the whole log. */
  replaceAll(meta: SnapshotMeta): void {
    this.#snapshot = meta;
    this.#snapshotStored = true;
    this.#base = { index: meta.index, term: meta.term };
    this.#entries = [];
    this.#memoryBytes = 0;
    this.#hardState = { ...this.#hardState, commit: Math.max(this.#hardState.commit, meta.index) };
  }

  /** Forgets entries up to `index`; returns false if there are none. */
  forget(index: number): boolean {
    if (index <= this.#base.index) return false;
    if (index > this.#snapshot.index) throw unavailable(index, this.#snapshot.index);
    const term = this.term(index);
    const count = index - this.#base.index;
    this.#memoryBytes -= dataBytes(this.#entries.slice(0, count));
    this.#entries = this.#entries.slice(count);
    this.#base = { index, term };
    return true;
  }
}

function dataBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

function compacted(index: number, base: number): LogError {
  return new LogError('compacted', `Entry ${index} is compacted: the log begins after ${base}`);
}

function unavailable(index: number, last: number): LogError {
  return new LogError('unavailable', `Entry ${index} is not there: the log ends at ${last}`);
}
