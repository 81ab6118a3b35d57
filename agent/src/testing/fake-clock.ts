import { setImmediate as soon } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

interface Timer {
  atMs: number;
  readonly periodMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved on. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  /** `wallMs`: 1970 and some minutes, unless certificates come into it. */
  constructor(wallMs = 1_000_000) {
    this.#nowMs = wallMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  every(periodMs: number, callback: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + periodMs, periodMs, callback });
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + delayMs, periodMs: 0, callback });
  }

  /** Moves on, calling back what becomes due at its time. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#timers]
        .filter(({ atMs }) => atMs <= endMs)
        .sort((left, right) => left.atMs - right.atMs)[0];
      if (due === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      if (due.periodMs === 0) this.#timers.delete(due);
      else due.atMs += due.periodMs;
      due.callback();
      await soon();
    }
    this.#nowMs = endMs;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
