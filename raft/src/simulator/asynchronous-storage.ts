import type { Message, Ready, Snapshot } from '../core/index.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from '../core/index.ts';
import { HeldWrites } from '../driver/held-writes.ts';
import type { DiskWrite } from './disk.ts';
import type { ProcessStorage, StoredProcess } from './process-storage.ts';

interface QueuedWrite extends DiskWrite {
  readonly sync: boolean;
  readonly responses: readonly Message[];
}

/**
 * As the driver does it: one write at a time while the member goes on; what comes meanwhile shares the next one; a
 * snapshot is put in force by itself. Applying may take time too.
 */
export class AsynchronousStorage implements ProcessStorage {
  readonly #process: StoredProcess;
  #queue: QueuedWrite[] = [];
  /** Under way: a crash may leave some of it. */
  #writing: readonly QueuedWrite[] = [];
  #applyQueue: Message[] = [];
  #applying = false;
  #busy = false;
  /** What a full disk has no room for: the very code of the driver. */
  readonly #held = new HeldWrites();
  holding = false;
  /** For room on the disk. */
  #waiting = false;

  constructor(process: StoredProcess) {
    this.#process = process;
  }

  get installing(): boolean {
    return this.#writing.some(bringsSnapshot) || this.#queue.some(bringsSnapshot);
  }

  handle(ready: Ready): void {
    const process = this.#process;
    const crashing = process.crashPoint !== undefined;
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_THREAD) {
        const { entries, hardState, snapshot, mustSync } = ready;
        const sync = mustSync || snapshot !== undefined;
        this.#queue.push({ entries, hardState, snapshot, sync, responses: message.responses });
        this.#writeNext();
      } else if (message.to === LOCAL_APPLY_THREAD) {
        this.#applyQueue.push(message);
      } else process.send(message);
    }
    for (const state of ready.readStates) process.parts.readable(state);
    if (crashing) process.parts.crash();
    else if (!this.#applying) this.#applyNext();
  }

  crash(): void {
    const { disk } = this.#process.parts;
    if (this.holding || disk.full) return;
    for (const write of this.#writing) disk.write(write);
  }

  #writeNext(): void {
    if (this.#busy) return;
    const { timeline, random, scenario, disk } = this.#process.parts;
    if (this.#queue.length === 0 && !this.holding) return;
    const firstSnapshot = this.#queue.findIndex(bringsSnapshot);
    if (disk.full && (firstSnapshot === 0 || this.#queue.length === 0)) {
      this.#writeLater();
      return;
    }
    const count = firstSnapshot === -1 ? this.#queue.length : Math.max(1, firstSnapshot);
    this.#writing = this.#queue.splice(0, count);
    this.#busy = true;
    timeline.after(random.between(0, scenario.storage.writeMsMax + disk.extraWriteMs), () => {
      this.#busy = false;
      if (this.#process.alive) this.#written();
    });
  }

  /** There may be room by then. */
  #writeLater(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const { timeline, scenario } = this.#process.parts;
    timeline.after(scenario.tickMs, () => {
      this.#waiting = false;
      if (this.#process.alive) this.#writeNext();
    });
  }

  #written(): void {
    const process = this.#process;
    const { disk } = process.parts;
    const writes = this.#writing;
    const syncs = this.holding || writes.some(({ sync }) => sync);
    if (syncs && disk.failsToSync) {
      process.parts.crash();
      return;
    }
    this.#writing = [];
    const snapshot = writes[0]?.snapshot;
    const held = disk.full && (this.holding || writes.some(({ entries }) => entries.length > 0));
    const answers = held ? this.#hold(writes) : [...this.#writeHeld(snapshot), ...this.#write(writes, syncs)];
    if (snapshot !== undefined) process.restore(snapshot);
    this.#answer(answers);
    if (process.alive) this.#writeNext();
  }

  #write(writes: readonly QueuedWrite[], syncs: boolean): readonly Message[] {
    const { disk } = this.#process.parts;
    for (const write of writes) disk.write(write);
    if (syncs) disk.sync();
    return writes.flatMap(({ responses }) => responses);
  }

  /** No room: entries stay in memory, and only what promises none of them goes out. */
  #hold(writes: readonly QueuedWrite[]): readonly Message[] {
    const { disk } = this.#process.parts;
    const lastStored = disk.log.lastIndex();
    for (const write of writes) this.#held.add(write, lastStored);
    const { hardState } = this.#held;
    if (hardState !== undefined) {
      const stored = disk.log.initialState().hardState.commit;
      const commit = Math.max(stored, Math.min(hardState.commit, this.#held.validTo(lastStored)));
      disk.write({ entries: [], hardState: { ...hardState, commit }, snapshot: undefined });
      disk.sync();
    }
    this.#setHolding(true);
    return this.#held.takeWaiting();
  }

  /** There is room again; or a snapshot makes what was held needless. */
  #writeHeld(snapshot: Snapshot | undefined): readonly Message[] {
    if (!this.holding) return [];
    const held = this.#held;
    if (snapshot === undefined) {
      const { disk } = this.#process.parts;
      disk.write({ entries: held.entries, hardState: held.hardState, snapshot });
      disk.sync();
    } else held.clear();
    this.#setHolding(false);
    return held.takeAll();
  }

  #setHolding(holding: boolean): void {
    if (this.holding === holding) return;
    this.holding = holding;
    this.#process.observed(() => this.#process.node.applyBeforeStored(holding));
    this.#process.parts.trace?.(`${this.#process.parts.id} ${holding ? 'holds entries in memory' : 'has room again'}`);
  }

  #answer(responses: readonly Message[]): void {
    const process = this.#process;
    for (const response of responses) {
      if (!process.alive) return;
      if (response.to === process.parts.id) process.input((node) => node.step(response));
      else process.send(response);
    }
  }

  #applyNext(): void {
    if (this.#applyQueue.length === 0) return;
    const messages = this.#applyQueue;
    this.#applyQueue = [];
    const { timeline, random, scenario, disk } = this.#process.parts;
    const applyMsMax = scenario.storage.applyMsMax + disk.extraApplyMs;
    if (applyMsMax === 0) {
      this.#apply(messages);
      return;
    }
    this.#applying = true;
    timeline.after(random.between(0, applyMsMax), () => {
      this.#applying = false;
      if (!this.#process.alive) return;
      this.#apply(messages);
      this.#process.turn();
    });
  }

  #apply(messages: readonly Message[]): void {
    const process = this.#process;
    for (const { entries, responses } of messages) {
      process.apply(entries);
      for (const response of responses) process.observed(() => process.node.step(response));
    }
    if (!this.#applying) this.#applyNext();
  }
}

function bringsSnapshot({ snapshot }: DiskWrite): boolean {
  return snapshot !== undefined;
}
