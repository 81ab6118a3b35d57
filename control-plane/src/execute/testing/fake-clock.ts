/** Time that only moves when a test says so. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../ports.ts';

interface Timer {
  dueMs: number;
  readonly periodMs: number | undefined;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  /** Wall clock at monotonic 0. */
  readonly #wallStartMs = Date.UTC(2026, 0, 1);

  /** How many wait for their time. */
  get timers(): number {
    return this.#timers.size;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  every(periodMs: number, callback: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + periodMs, periodMs, callback });
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + delayMs, periodMs: undefined, callback });
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass in steps, with the event loop turning after each timer. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#nextDue(endMs);
      if (due === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      if (due.periodMs === undefined) this.#timers.delete(due);
      else due.dueMs = this.#nowMs + due.periodMs;
      due.callback();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Time passes, but nothing runs: a stalled event loop, or a stopped process. */
  stall(byMs: number): void {
    this.#nowMs += byMs;
  }

  #nextDue(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

/** Lets the event loop turn until what is ready has run. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}
