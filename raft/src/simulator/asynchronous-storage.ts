import type { Message, Ready } from '../core/index.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from '../core/index.ts';
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
    for (const write of this.#writing) this.#process.parts.disk.write(write);
  }

  #writeNext(): void {
    if (this.#writing.length > 0 || this.#queue.length === 0) return;
    const { timeline, random, scenario, disk } = this.#process.parts;
    const firstSnapshot = this.#queue.findIndex(bringsSnapshot);
    const together = firstSnapshot === -1 ? this.#queue.length : Math.max(1, firstSnapshot);
    const count = disk.full ? Math.min(together, this.#roomFor()) : together;
    if (count === 0) {
      this.#writeLater();
      return;
    }
    this.#writing = this.#queue.splice(0, count);
    timeline.after(random.between(0, scenario.storage.writeMsMax + disk.extraWriteMs), () => {
      if (this.#process.alive) this.#written();
    });
  }

  /** How many of the writes that wait fit on a full disk: the term and the vote do, from a reserve. */
  #roomFor(): number {
    const firstTooLarge = this.#queue.findIndex(
      ({ entries, snapshot }) => entries.length > 0 || snapshot !== undefined,
    );
    return firstTooLarge === -1 ? this.#queue.length : firstTooLarge;
  }

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
    const { disk, id } = process.parts;
    const writes = this.#writing;
    const syncs = writes.some(({ sync }) => sync);
    if (syncs && disk.failsToSync) {
      process.parts.crash();
      return;
    }
    for (const write of writes) disk.write(write);
    if (syncs) disk.sync();
    for (const { snapshot } of writes) if (snapshot !== undefined) process.restore(snapshot);
    this.#writing = [];
    for (const { responses } of writes) {
      for (const response of responses) {
        if (!process.alive) return;
        if (response.to === id) process.input((node) => node.step(response));
        else process.send(response);
      }
    }
    if (process.alive) this.#writeNext();
  }

  #applyNext(): void {
    if (this.#applyQueue.length === 0) return;
    const messages = this.#applyQueue;
    this.#applyQueue = [];
    const { timeline, random, scenario } = this.#process.parts;
    const { applyMsMax } = scenario.storage;
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
