import type { Ready } from '../core/index.ts';
import type { CrashPoint, ProcessStorage, StoredProcess } from './process-storage.ts';

/** Ready by Ready: store, send, apply, advance, with nothing in between but a crash. */
export class SynchronousStorage implements ProcessStorage {
  readonly installing = false;
  readonly holding = false;
  readonly #process: StoredProcess;

  constructor(process: StoredProcess) {
    this.#process = process;
  }

  handle(ready: Ready): void {
    const process = this.#process;
    const { disk, readable } = process.parts;
    const { entries, hardState, snapshot, messages, committedEntries, readStates } = ready;
    if (this.#crashesAt('storing')) {
      // A leader's appends may go out while it stores.
      for (const message of messages) if (message.type === 'append') process.send(message);
      disk.write({ entries, hardState, snapshot });
      process.parts.crash();
      return;
    }
    if (entries.length > 0 || hardState !== undefined || snapshot !== undefined) {
      disk.write({ entries, hardState, snapshot });
    }
    if (ready.mustSync || snapshot !== undefined) {
      if (disk.failsToSync) {
        process.parts.crash();
        return;
      }
      disk.sync();
    }
    if (this.#crashesAt('stored')) {
      process.parts.crash();
      return;
    }
    for (const message of messages) process.send(message);
    if (this.#crashesAt('sent')) {
      process.parts.crash();
      return;
    }
    if (snapshot !== undefined) process.restore(snapshot);
    process.apply(committedEntries);
    for (const state of readStates) readable(state);
    if (this.#crashesAt('applied')) {
      process.parts.crash();
      return;
    }
    process.observed(() => process.node.advance());
  }

  crash(): void {}

  #crashesAt(point: CrashPoint): boolean {
    return this.#process.crashPoint === point;
  }
}
