import type { Deadlines } from './deadlines.ts';
import { RaftError } from './ports.ts';

/** Waiters at the same time. */
const WAITERS_MAX = 100_000;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait until the state machine here has come to some index. */
export class AppliedWaiters {
  readonly #byIndex = new Map<number, Set<Waiter>>();
  readonly #deadlines: Deadlines;
  #applied: number;
  #count = 0;

  constructor(applied: number, deadlines: Deadlines) {
    this.#applied = applied;
    this.#deadlines = deadlines;
  }

  get applied(): number {
    return this.#applied;
  }

  wait(index: number, timeoutMs: number): Promise<void> {
    if (index <= this.#applied) return Promise.resolve();
    if (this.#count >= WAITERS_MAX) {
      return Promise.reject(
        new RaftError('overloaded', `More than ${WAITERS_MAX} callers wait for entries to be applied`),
      );
    }
    return new Promise((resolve, reject) => {
      const stop = this.#deadlines.after(timeoutMs, () => {
        this.#remove(index, waiter);
        reject(new RaftError('timeout', `Entry ${index} was not applied here within ${timeoutMs} ms`));
      });
      const waiter: Waiter = {
        resolve: () => {
          stop();
          resolve();
        },
        reject: (error) => {
          stop();
          reject(error);
        },
      };
      this.#add(index, waiter);
    });
  }

  advance(applied: number): void {
    const before = this.#applied;
    this.#applied = applied;
    if (this.#byIndex.size === 0) return;
    // A snapshot may go far ahead: then it is less work to look at those who wait.
    if (applied - before > this.#byIndex.size) {
      for (const index of this.#byIndex.keys()) if (index <= applied) this.#release(index);
    } else {
      for (let index = before + 1; index <= applied; index += 1) this.#release(index);
    }
  }

  rejectAll(error: Error): void {
    const all = [...this.#byIndex.values()];
    this.#byIndex.clear();
    this.#count = 0;
    for (const waiters of all) for (const waiter of waiters) waiter.reject(error);
  }

  #release(index: number): void {
    const waiters = this.#byIndex.get(index);
    if (waiters === undefined) return;
    this.#byIndex.delete(index);
    this.#count -= waiters.size;
    for (const waiter of waiters) waiter.resolve();
  }

  #add(index: number, waiter: Waiter): void {
    const waiters = this.#byIndex.get(index);
    if (waiters === undefined) this.#byIndex.set(index, new Set([waiter]));
    else waiters.add(waiter);
    this.#count += 1;
  }

  #remove(index: number, waiter: Waiter): void {
    const waiters = this.#byIndex.get(index);
    if (waiters?.delete(waiter) !== true) return;
    this.#count -= 1;
    if (waiters.size === 0) this.#byIndex.delete(index);
  }
}
