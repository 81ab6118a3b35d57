import type { ReadState } from '../core/index.ts';
import type { AppliedWaiters } from './applied-waiters.ts';
import type { Deadlines } from './deadlines.ts';
import { RaftError } from './ports.ts';

/** Requests to the leader that are under way; readers beyond that wait for the next one. */
const BATCHES_MAX = 16;

/** Readers at the same time. */
const READERS_MAX = 100_000;

/** Unanswered reads are asked again after so many ticks, or an election timeout if that is shorter. */
export const READ_RETRY_TICKS = 4;

interface Reader {
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
  /** No longer interested. */
  done: boolean;
}

interface Batch {
  readers: Reader[];
  /** Ticks since it was asked. */
  age: number;
}

export interface ReadsParts {
  /** A different one for each member and each start of it. */
  readonly origin: { readonly id: number; readonly incarnation: number };
  readonly waiters: AppliedWaiters;
  readonly deadlines: Deadlines;
  /** Ticks without an answer after which it is asked again. */
  readonly retryTicks: number;
  /** Asks the core; it answers by a read state with this context, or never. */
  readonly ask: (context: Uint8Array) => void;
}

/**
 * Linearizable reads. All readers of one turn share one request, which the leader answers with the index that they
 * must see; a reader is free to go once that is applied here. A request without an answer is made again: a later
 * answer is as good.
 */
export class Reads {
  readonly #parts: ReadsParts;
  #waiting: Reader[] = [];
  readonly #asked = new Map<number, Batch>();
  #counter = 0;
  #readers = 0;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
  }

  add(timeoutMs: number): Promise<number> {
    if (this.#readers >= READERS_MAX) {
      return Promise.reject(new RaftError('overloaded', `More than ${READERS_MAX} readers wait. Try again later`));
    }
    this.#readers += 1;
    return new Promise((resolve, reject) => {
      const reader: Reader = {
        done: false,
        resolve: (index) => settle(() => resolve(index)),
        reject: (error) => settle(() => reject(error)),
      };
      const settle = (work: () => void) => {
        if (reader.done) return;
        reader.done = true;
        stop();
        this.#readers -= 1;
        work();
      };
      const stop = this.#parts.deadlines.after(timeoutMs, () => {
        reader.reject(new RaftError('timeout', `No leader confirmed a read within ${timeoutMs} ms`));
      });
      this.#waiting.push(reader);
    });
  }

  /** How many wait. */
  get pending(): number {
    return this.#readers;
  }

  /** At the end of a turn: asks for all that wait. */
  flush(): void {
    if (this.#waiting.length === 0 || this.#asked.size >= BATCHES_MAX) return;
    const readers = this.#waiting.filter((reader) => !reader.done);
    this.#waiting = [];
    if (readers.length === 0) return;
    this.#counter += 1;
    this.#asked.set(this.#counter, { readers, age: 0 });
    this.#parts.ask(this.#makeContext(this.#counter));
  }

  /** Returns true if a reader may be waiting for the next flush. */
  answered(state: ReadState): boolean {
    const counter = this.#counterOf(state.context);
    const batch = counter === undefined ? undefined : this.#asked.get(counter);
    if (counter === undefined || batch === undefined) return false;
    this.#asked.delete(counter);
    const { waiters } = this.#parts;
    if (state.index <= waiters.applied) {
      for (const reader of batch.readers) reader.resolve(state.index);
    } else {
      // The readers' own deadlines end this wait earlier.
      waiters.wait(state.index, Number.MAX_SAFE_INTEGER).then(
        () => {
          for (const reader of batch.readers) reader.resolve(state.index);
        },
        (error: Error) => {
          for (const reader of batch.readers) reader.reject(error);
        },
      );
    }
    return this.#waiting.length > 0;
  }

  /** Returns true if something is to be asked again. */
  tick(): boolean {
    let again = false;
    for (const [counter, batch] of this.#asked) {
      batch.age += 1;
      if (batch.age >= this.#parts.retryTicks) {
        this.#takeBack(counter, batch);
        again = true;
      }
    }
    return again || this.#waiting.length > 0;
  }

  /** Another leader: what was asked of the old one may be lost. */
  leaderChanged(): void {
    for (const [counter, batch] of this.#asked) this.#takeBack(counter, batch);
  }

  rejectAll(error: Error): void {
    const readers = [...this.#waiting, ...[...this.#asked.values()].flatMap((batch) => batch.readers)];
    this.#waiting = [];
    this.#asked.clear();
    for (const reader of readers) reader.reject(error);
  }

  #takeBack(counter: number, batch: Batch): void {
    this.#asked.delete(counter);
    for (const reader of batch.readers) if (!reader.done) this.#waiting.push(reader);
  }

  /** 24 bytes: member, incarnation, counter. The leader tells requests apart by it, whoever asks. */
  #makeContext(counter: number): Uint8Array {
    const { id, incarnation } = this.#parts.origin;
    return new Uint8Array(new Float64Array([id, incarnation, counter]).buffer);
  }

  #counterOf(context: Uint8Array): number | undefined {
    if (context.length !== 24) return undefined;
    const [id, incarnation, counter] = new Float64Array(context.slice().buffer);
    const { origin } = this.#parts;
    return id === origin.id && incarnation === origin.incarnation ? counter : undefined;
  }
}
