import type { Entry, HardState, Message, Snapshot } from '../core/index.ts';
import type { LogStore } from './ports.ts';

/** Bytes of entries in one write of the store; what is more waits for the next. */
const WRITE_BYTES_MAX = 8 * 1024 * 1024;

/** What one Ready wants stored. */
export interface LogWrite {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly sync: boolean;
  /** To deliver once this write and all before it are durable. */
  readonly responses: readonly Message[];
}

export interface LogWriterParts {
  readonly store: LogStore;
  /** A snapshot came into force in the store: brings the state machine there. */
  readonly restore: (snapshot: Snapshot) => Promise<void>;
  readonly deliver: (responses: readonly Message[]) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Stores one thing at a time, while the event loop goes on. What comes in meanwhile is merged into the next write: so
 * the slower the disk, the more entries share one sync.
 */
export class LogWriter {
  readonly #parts: LogWriterParts;
  #queue: LogWrite[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  #installing = false;

  constructor(parts: LogWriterParts) {
    this.#parts = parts;
  }

  /** A snapshot is being put in force. */
  get installing(): boolean {
    return this.#installing || this.#queue.some((write) => write.snapshot !== undefined);
  }

  submit(write: LogWrite): void {
    this.#queue.push(write);
    // Begins at once: the disk works while this turn goes on.
    this.#running ??= this.#run();
  }

  /** Nothing more is begun; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        const first = this.#queue[0] as LogWrite;
        const count = first.snapshot === undefined ? this.#countMergeable() : 1;
        const writes = this.#queue.splice(0, count);
        if (first.snapshot !== undefined) await this.#install(first, first.snapshot);
        else await this.#append(writes);
        if (this.#stopped) return;
        for (const write of writes) this.#parts.deliver(write.responses);
      }
    } catch (error) {
      this.#stopped = true;
      this.#parts.onError(error as Error);
    } finally {
      this.#running = undefined;
    }
  }

  #countMergeable(): number {
    let bytes = 0;
    let count = 0;
    for (const write of this.#queue) {
      if (write.snapshot !== undefined) break;
      for (const entry of write.entries) bytes += entry.data.length;
      if (bytes > WRITE_BYTES_MAX && count > 0) break;
      count += 1;
    }
    return count;
  }

  async #append(writes: readonly LogWrite[]): Promise<void> {
    const merged = merge(writes);
    // Only promises, which had to wait for the writes before them.
    if (merged.entries.length === 0 && merged.hardState === undefined) return;
    await this.#parts.store.append(merged);
  }

  async #install(write: LogWrite, snapshot: Snapshot): Promise<void> {
    const { store, restore } = this.#parts;
    const { entries, hardState } = write;
    const { index } = snapshot.meta;
    this.#installing = true;
    // A crash must not leave a commit index behind that is above the end of the log.
    const covered = hardState === undefined ? undefined : { ...hardState, commit: Math.min(hardState.commit, index) };
    await store.installSnapshot(snapshot, covered);
    await restore(snapshot);
    this.#installing = false;
    if (entries.length > 0) await store.append({ entries, hardState, sync: true });
  }
}

/** One batch with the same outcome as the writes one after the other. */
export function merge(writes: readonly LogWrite[]): {
  entries: readonly Entry[];
  hardState: HardState | undefined;
  sync: boolean;
} {
  const only = writes.length === 1 ? writes[0] : undefined;
  if (only !== undefined) return only;
  let entries: Entry[] = [];
  let hardState: HardState | undefined;
  let sync = false;
  for (const write of writes) {
    const first = write.entries[0];
    if (first !== undefined) {
      // A new leader may replace entries that are not even stored yet.
      const start = entries[0]?.index ?? first.index;
      const keep = Math.max(0, first.index - start);
      if (keep < entries.length) entries = entries.slice(0, keep);
      for (const entry of write.entries) entries.push(entry);
    }
    hardState = write.hardState ?? hardState;
    sync ||= write.sync;
  }
  return { entries, hardState, sync };
}
