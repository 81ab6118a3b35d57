import type { ConfState, Entry, HardState, Snapshot } from '../core/index.ts';
import { MemoryLog } from '../core/index.ts';
import type { Random } from './random.ts';

export interface DiskWrite {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
}

/**
 * One member's disk. What was written can be read at once, but only what was synced outlives a crash for certain;
 * of the rest a random beginning does.
 */
export class SimulatedDisk {
  /** What the running process reads: all that was written. */
  log: MemoryLog;
  /** Writes take so much longer than usual. */
  extraWriteMs = 0;
  /** Applying entries takes so much longer than usual, where it takes time. */
  extraApplyMs = 0;
  /** There is no room for entries. */
  full = false;
  /** The next sync fails, and the process with it. */
  failsToSync = false;
  /** Something on it is not what was written; found at the next start. What it promised counts all the same. */
  damaged = false;
  #durable: MemoryLog;
  #unsynced: DiskWrite[] = [];

  constructor(founding?: Snapshot) {
    this.#durable = new MemoryLog();
    if (founding !== undefined) this.#durable.applySnapshot(founding);
    this.log = copyLog(this.#durable);
  }

  /** What a crash would leave at least. Not to be changed. */
  get durable(): MemoryLog {
    return this.#durable;
  }

  write(write: DiskWrite): void {
    applyWrite(this.log, write);
    this.#unsynced.push(write);
  }

  /** All that was written is durable. */
  sync(): void {
    for (const write of this.#unsynced) applyWrite(this.#durable, write);
    this.#unsynced = [];
  }

  /** A snapshot that this member made of its own state, and the log behind it dropped; durable at once. */
  compact(index: number, conf: ConfState, data: Uint8Array, keepEntries: number): void {
    this.sync();
    for (const log of [this.log, this.#durable]) {
      log.createSnapshot(index, conf, data);
      const compactTo = index - keepEntries;
      if (compactTo >= log.firstIndex()) log.compact(compactTo);
    }
  }

  /** Power is gone. What was not synced is lost, but for a beginning of it. */
  crash(random: Random, tornWrites: boolean): void {
    const kept = random.below(this.#unsynced.length + 1);
    for (const write of this.#unsynced.slice(0, kept)) applyWrite(this.#durable, write);
    const torn = this.#unsynced[kept];
    if (tornWrites && torn !== undefined && torn.snapshot === undefined) {
      // Entries come before the hard state, which may speak of them.
      applyWrite(this.#durable, {
        entries: torn.entries.slice(0, random.below(torn.entries.length + 1)),
        hardState: undefined,
        snapshot: undefined,
      });
    }
    this.#unsynced = [];
    this.failsToSync = false;
    this.log = copyLog(this.#durable);
  }
}

function applyWrite(log: MemoryLog, { entries, hardState, snapshot }: DiskWrite): void {
  if (snapshot !== undefined && snapshot.meta.index > log.snapshot().meta.index) log.applySnapshot(snapshot);
  if (entries.length > 0) log.append(entries);
  if (hardState !== undefined) log.setHardState(hardState);
}

export function copyLog(log: MemoryLog): MemoryLog {
  const copy = new MemoryLog();
  const snapshot = log.snapshot();
  const base = log.firstIndex() - 1;
  if (base > 0) {
    copy.applySnapshot({ ...snapshot, meta: { ...snapshot.meta, index: base, term: log.term(base) } });
  }
  copy.append(log.entries(base + 1, log.lastIndex() + 1, Number.POSITIVE_INFINITY));
  const { index, conf } = snapshot.meta;
  if (index > base) copy.createSnapshot(index, conf, snapshot.data);
  copy.setHardState(log.initialState().hardState);
  return copy;
}
