import type { NodeId } from '../core/index.ts';
import { isDiskFull } from './disk-full.ts';
import type { DiskState, LogStore } from './ports.ts';

/** How often it is looked how much room there is. */
const CHECK_MS = 1_000;

export interface DiskWatchParts {
  readonly store: LogStore;
  readonly tickMs: number;
  /** Voters that could lead instead, the most suitable first; undefined if this member does not lead. */
  readonly successors: () => readonly NodeId[] | undefined;
  /** Begins to hand leadership over; it is given up again soon if that does not come off. */
  readonly handOver: (to: NodeId) => void;
  /** Frees what can be spared. */
  readonly makeRoom: () => Promise<void>;
  /** Something that waits for room may be tried again. */
  readonly retry: () => void;
  readonly onDisk: ((disk: DiskState) => void) | undefined;
  readonly onError: (error: Error) => void;
}

/**
 * What a member does while its disk is full: it frees what it can spare, and if it leads, it hands over to each of the others in turn, until one takes
 * it. If none does, it goes on leading, since reads need a leader, and takes no proposals.
 */
export class DiskWatch {
  readonly #parts: DiskWatchParts;
  #disk: DiskState;
  readonly #everyTicks: number;
  #ticks = 0;
  #checking = false;
  #stopped = false;
  /** Attempts to hand over since the disk became full, or since this member was elected. */
  #attempts = 0;
  #refusing = false;

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
    this.#everyTicks = Math.max(1, Math.round(CHECK_MS / parts.tickMs));
    this.#disk = parts.store.disk;
  }

  get disk(): DiskState {
    return this.#disk;
  }

  /** This member leads, there is nobody else to do so, and no room for what is proposed. */
  get refusing(): boolean {
    return this.#refusing;
  }

  tick(): void {
    this.#ticks += 1;
    if (this.#ticks % this.#everyTicks === 0) this.check();
  }

  /** Every `CHECK_MS`, and as soon as a write found no room. */
  check(): void {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    this.#check()
      .catch((error: Error) => {
        if (!isDiskFull(error) && !this.#stopped) this.#parts.onError(error);
      })
      .finally(() => {
        this.#checking = false;
      });
  }

  stop(): void {
    this.#stopped = true;
  }

  async #check(): Promise<void> {
    const { store, makeRoom, onDisk, retry } = this.#parts;
    const disk = await store.checkRoom();
    if (disk === 'full' && !this.#stopped) await makeRoom();
    if (this.#stopped) return;
    if (disk !== this.#disk) {
      this.#disk = disk;
      onDisk?.(disk);
    }
    retry();
    this.#act();
  }

  #act(): void {
    const { successors, handOver } = this.#parts;
    const others = this.#disk === 'full' ? successors() : undefined;
    if (others === undefined) {
      this.#attempts = 0;
      this.#refusing = false;
      return;
    }
    this.#refusing = this.#attempts >= others.length;
    const next = others[this.#attempts % Math.max(1, others.length)];
    this.#attempts += 1;
    if (next !== undefined) handOver(next);
  }
}
