import type { Entry, HardState, Message, Snapshot } from '../core/index.ts';
import { isDiskFull } from './disk-full.ts';
import { HeldWrites } from './held-writes.ts';
import type { LogStore } from './ports.ts';

/** Bytes of entries in one write of the store; what is more waits for the next. */
const WRITE_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes of entries that are held in memory while the disk has no room; then no more are taken. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;

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
  /** True: the disk has no room, and entries wait for some. */
  readonly onHolding?: (holding: boolean) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Stores one thing at a time, while the event loop goes on. What comes in meanwhile is merged into the next write: so
 * the slower the disk, the more entries share one sync. While the disk has no room, entries are held in memory; terms
 * and votes are stored all the same, as stores keep some room for them.
 */
export class LogWriter {
  readonly #parts: LogWriterParts;
  readonly #held = new HeldWrites();
  #queue: LogWrite[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  #installing = false;
  #holding = false;
  #retryDue = false;
  /** A snapshot to be put in force that found no room: it is tried again only when room was looked for. */
  #refused: LogWrite | undefined;

  constructor(parts: LogWriterParts) {
    this.#parts = parts;
  }

  /** A snapshot is being put in force. */
  get installing(): boolean {
    return this.#installing || this.#queue.some((write) => write.snapshot !== undefined);
  }

  /** Something waits for room on the disk. */
  get holding(): boolean {
    return this.#holding;
  }

  /** As much waits for room on the disk as may. */
  get holdingEnough(): boolean {
    return this.#held.bytes > HELD_BYTES_MAX || this.snapshotWaits;
  }

  /** A snapshot waits for room, so that nothing behind it can be stored, nor even be held. */
  get snapshotWaits(): boolean {
    return this.#refused !== undefined && this.#queue[0] === this.#refused;
  }

  submit(write: LogWrite): void {
    this.#queue.push(write);
    // Begins at once: the disk works while this turn goes on.
    this.#running ??= this.#run();
  }

  /** There may be room again for what is held. */
  retry(): void {
    if (!this.#holding || this.#stopped) return;
    this.#retryDue = true;
    this.#running ??= this.#run();
  }

  /** Nothing more is begun; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#runOne()));
    } catch (error) {
      this.#stopped = true;
      this.#parts.onError(error as Error);
    } finally {
      this.#running = undefined;
    }
  }

  /** False if there is nothing to do, or nothing that can be done now. */
  async #runOne(): Promise<boolean> {
    const retry = this.#retryDue;
    this.#retryDue = false;
    // A snapshot that waits for room takes the place of what is held.
    if (retry && this.#queue[0]?.snapshot === undefined) await this.#writeHeld();
    const first = this.#queue[0];
    if (first === undefined || (first === this.#refused && !retry)) return false;
    const count = first.snapshot === undefined ? this.#countMergeable() : 1;
    const writes = this.#queue.splice(0, count);
    try {
      if (first.snapshot !== undefined) await this.#install(first, first.snapshot);
      else if (this.#holding) await this.#hold(writes);
      else await this.#append(writes);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#hasRoom(false);
      if (first.snapshot !== undefined) {
        this.#refused = first;
        this.#queue.unshift(first);
        return this.#retryDue;
      }
      await this.#hold(writes);
    }
    return true;
  }

  /** Keeps the entries for later, and sees to it that what does not promise them goes out. */
  async #hold(writes: readonly LogWrite[]): Promise<void> {
    const { store, deliver } = this.#parts;
    for (const write of writes) this.#held.add(write, store.lastIndex());
    if (!(await this.#storeTerm())) return;
    if (!this.#stopped) deliver(this.#held.takeWaiting());
  }

  /** False if there is no room even for that. */
  async #storeTerm(): Promise<boolean> {
    const { store } = this.#parts;
    const { hardState } = this.#held;
    const stored = store.initialState().hardState;
    if (hardState === undefined || (hardState.term === stored.term && hardState.vote === stored.vote)) return true;
    try {
      // Beyond that the stored log may end, or be another one than what is committed.
      const commit = Math.max(stored.commit, Math.min(hardState.commit, this.#held.validTo(store.lastIndex())));
      await store.append({ entries: [], hardState: { ...hardState, commit }, sync: true });
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw error;
    }
  }

  /** In pieces, each of which counts as soon as it is stored. */
  async #writeHeld(): Promise<void> {
    const { store, deliver } = this.#parts;
    const held = this.#held;
    try {
      while (held.entries.length > 0 || held.hardState !== undefined) {
        const entries = pieceOf(held.entries);
        const last = entries.at(-1)?.index ?? store.lastIndex();
        const all = entries.length === held.entries.length;
        const { hardState } = held;
        const covered =
          hardState === undefined ? undefined : { ...hardState, commit: Math.min(hardState.commit, last) };
        await store.append({ entries, hardState: covered, sync: true });
        if (this.#stopped) return;
        held.stored(entries.length);
        if (all) break;
      }
    } catch (error) {
      if (isDiskFull(error)) return;
      throw error;
    }
    deliver(held.takeAll());
    this.#hasRoom(true);
  }

  #hasRoom(room: boolean): void {
    if (this.#holding === !room) return;
    this.#holding = !room;
    this.#parts.onHolding?.(this.#holding);
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
    if (merged.entries.length > 0 || merged.hardState !== undefined) await this.#parts.store.append(merged);
    this.#deliver(writes);
  }

  #deliver(writes: readonly LogWrite[]): void {
    if (this.#stopped) return;
    for (const write of writes) this.#parts.deliver(write.responses);
  }

  async #install(write: LogWrite, snapshot: Snapshot): Promise<void> {
    const { store, restore } = this.#parts;
    const { entries, hardState } = write;
    const { index } = snapshot.meta;
    // A crash must not leave a commit index behind that is above the end of the log.
    const covered = hardState === undefined ? undefined : { ...hardState, commit: Math.min(hardState.commit, index) };
    this.#installing = true;
    try {
      await store.installSnapshot(snapshot, covered);
      await restore(snapshot);
    } finally {
      this.#installing = false;
    }
    this.#refused = undefined;
    // What was held is covered by the snapshot, or was replaced by it.
    this.#held.clear();
    this.#hasRoom(true);
    if (entries.length > 0) this.#queue.unshift({ ...write, snapshot: undefined, sync: true });
    else this.#deliver([write]);
  }
}

/** Entries of one write, at least one if there are any. */
function pieceOf(entries: readonly Entry[]): readonly Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entry.data.length;
    if (bytes > WRITE_BYTES_MAX && count > 0) break;
    count += 1;
  }
  return entries.slice(0, count);
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
