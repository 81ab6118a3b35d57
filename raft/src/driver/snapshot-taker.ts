import type { LogReader, Snapshot, SnapshotMeta } from '../core/index.ts';
import { LogError } from '../core/index.ts';
import type { Applier } from './applier.ts';
import { isDiskFull } from './disk-full.ts';
import type { LogStore, StateMachine } from './ports.ts';

/** Bytes of log in memory; while a snapshot is under way, there may not be more. */
const LOG_BYTES_MAX = 256 * 1024 * 1024;

/** Pause after a snapshot that found no room. */
export const SNAPSHOT_RETRY_MS = 5_000;

export interface SnapshotTakerParts {
  readonly store: LogStore;
  readonly machine: StateMachine;
  readonly applier: Applier;
  readonly everyEntries: number;
  readonly everyBytes: number;
  /** Bytes of log that are too much while a snapshot is under way. */
  readonly logBytesMax: number | undefined;
  readonly keepEntries: number;
  /** Index of the newest snapshot at start; 0 if there is none. */
  readonly snapshotIndex: number;
  /** A received snapshot is being put in force. */
  readonly installing: () => boolean;
  /** The log does not fit the state machine now, as while a received snapshot is being put in force. */
  readonly unfit: () => boolean;
  /** Calls back after a while. */
  readonly later: (work: () => void) => void;
  readonly onError: (error: Error) => void;
}

/** Takes a snapshot when enough was applied, or when someone needs one, and drops the log behind it. */
export class SnapshotTaker {
  readonly #parts: SnapshotTakerParts;
  #snapshotIndex: number;
  #taking: Promise<void> | undefined;
  /** Someone needs one that is newer than what there is. */
  #demanded = false;
  /** There was no room for one. */
  #waiting = false;

  constructor(parts: SnapshotTakerParts) {
    this.#parts = parts;
    this.#snapshotIndex = parts.snapshotIndex;
  }

  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }

  /**
   * The log has grown as far as it may while a snapshot is being made. Ends with that snapshot: the log behind it is
   * dropped, and of what came meanwhile the next snapshot is due.
   */
  get overfull(): boolean {
    const { store, logBytesMax = LOG_BYTES_MAX } = this.#parts;
    return (this.#taking !== undefined || this.#waiting) && store.memoryBytes > logBytesMax;
  }

  /** A received snapshot is in force. */
  installed(meta: SnapshotMeta): void {
    this.#snapshotIndex = Math.max(this.#snapshotIndex, meta.index);
    this.#demanded = false;
  }

  /** The newest snapshot for the core to send; without one that serves, one is made, and the core asks again later. */
  newest(): Snapshot {
    const { store, applier } = this.#parts;
    try {
      const snapshot = store.snapshot();
      // A new member takes no snapshot from before it was one.
      if (snapshot.meta.index >= applier.membershipIndex) return snapshot;
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'snapshot-temporarily-unavailable') throw error;
    }
    this.#demanded = true;
    throw new LogError('snapshot-temporarily-unavailable', 'Snapshot that holds the latest membership is being made');
  }

  /** At the end of a turn. Takes the view of the state at once, and writes it while the event loop goes on. */
  takeIfDue(): void {
    const { applier, everyEntries, everyBytes, store, machine, unfit } = this.#parts;
    const { entries, bytes } = applier.sinceSnapshot;
    if (!this.#demanded && entries < everyEntries && bytes < everyBytes) return;
    if (this.#taking !== undefined || this.#waiting || unfit() || applier.applied <= this.#snapshotIndex) return;
    // What was applied while the disk was full may still be on its way there.
    if (applier.applied > store.lastIndex()) return;
    this.#demanded = false;
    const meta: SnapshotMeta = { index: applier.applied, term: store.term(applier.applied), conf: applier.conf };
    const data = machine.capture();
    applier.snapshotTaken();
    this.#taking = this.#take(meta, data).catch((error: Error) => this.#failed(error));
  }

  async stop(): Promise<void> {
    await this.#taking;
  }

  /** Drops what is kept behind the snapshot for followers that lag a little: they get the snapshot then. */
  async makeRoom(): Promise<void> {
    const { store, installing } = this.#parts;
    if (this.#taking !== undefined || installing() || store.firstIndex() > this.#snapshotIndex) return;
    await store.compact(this.#snapshotIndex);
  }

  /** Without room, the next is taken after a while: of the state as it is then. */
  #failed(error: Error): void {
    const { onError, later } = this.#parts;
    if (!isDiskFull(error)) {
      onError(error);
      return;
    }
    this.#taking = undefined;
    this.#waiting = true;
    later(() => {
      this.#waiting = false;
      this.#demanded = true;
    });
  }

  async #take(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void> {
    const { store } = this.#parts;
    await store.createSnapshot(meta, data);
    this.#snapshotIndex = Math.max(this.#snapshotIndex, meta.index);
    this.#taking = undefined;
    const compactTo = this.#lastToForget(meta.index);
    if (compactTo >= store.firstIndex()) await store.compact(compactTo);
  }

  /** Some entries are kept behind a snapshot at `index`, but no more bytes than are written between two snapshots. */
  #lastToForget(index: number): number {
    const { store, keepEntries, everyBytes } = this.#parts;
    const low = Math.max(store.firstIndex(), index - keepEntries + 1);
    // A snapshot that was received meanwhile may have replaced the log.
    if (low > index) return index;
    const kept = store.entries(low, index + 1, Number.MAX_SAFE_INTEGER);
    let bytes = 0;
    for (const entry of kept.toReversed()) {
      bytes += entry.data.length;
      if (bytes > everyBytes) return entry.index;
    }
    return low - 1;
  }
}

/** The log as the core sees it: the store's, but for the choice of the snapshot to send. */
export function makeCoreLog(store: LogStore, newest: () => Snapshot): LogReader {
  return {
    initialState: () => store.initialState(),
    entries: (low, high, sizeMax) => store.entries(low, high, sizeMax),
    term: (index) => store.term(index),
    firstIndex: () => store.firstIndex(),
    lastIndex: () => store.lastIndex(),
    snapshot: newest,
  };
}
