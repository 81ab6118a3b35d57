/** Things that must happen by some tick. Time is counted in ticks, so it stands still while the process does. */
export class Deadlines {
  readonly #byTick = new Map<number, Set<() => void>>();
  readonly #tickMs: number;
  #now = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Calls `expire` at the first tick at least `timeoutMs` from now; returns how to call it off. */
  after(timeoutMs: number, expire: () => void): () => void {
    // One more, as the present tick is partly over.
    return this.afterTicks(Math.ceil(Math.max(0, timeoutMs) / this.#tickMs) + 1, expire);
  }

  afterTicks(ticks: number, expire: () => void): () => void {
    const due = this.#now + Math.max(1, ticks);
    let set = this.#byTick.get(due);
    if (set === undefined) {
      set = new Set();
      this.#byTick.set(due, set);
    }
    const expiring = set;
    expiring.add(expire);
    return () => {
      expiring.delete(expire);
      if (expiring.size === 0 && this.#byTick.get(due) === expiring) this.#byTick.delete(due);
    };
  }

  tick(): void {
    this.#now += 1;
    const due = this.#byTick.get(this.#now);
    if (due === undefined) return;
    this.#byTick.delete(this.#now);
    for (const expire of due) expire();
  }
}
