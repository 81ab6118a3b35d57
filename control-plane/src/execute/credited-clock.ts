/**
 * A clock for judging the silence of others: it stands still while this process did. If nothing here ran for a while
 * (a stalled event loop, SIGSTOP, a suspended machine), what others sent meanwhile still waits unread, so that time
 * must not count as their silence.
 */
export class CreditedClock {
  readonly #monotonicMs: () => number;
  readonly #gapMaxMs: number;
  #lastMs: number;
  #creditedMs = 0;

  /** `gapMaxMs`: a longer time between two readings is a stall. Must be longer than the time between readings. */
  constructor(monotonicMs: () => number, gapMaxMs: number) {
    this.#monotonicMs = monotonicMs;
    this.#gapMaxMs = gapMaxMs;
    this.#lastMs = monotonicMs();
  }

  /** Milliseconds that this process was awake for. */
  nowMs(): number {
    const now = this.#monotonicMs();
    const gapMs = now - this.#lastMs;
    this.#lastMs = now;
    if (gapMs <= this.#gapMaxMs) this.#creditedMs += gapMs;
    return this.#creditedMs;
  }
}
