interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: a clock that stands still, and what is to happen, in order of time and then of scheduling. */
export class Timeline {
  #nowMs = 0;
  #order = 0;
  /** A binary heap. */
  readonly #heap: Happening[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many happenings are ahead. */
  get size(): number {
    return this.#heap.length;
  }

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    const added: Happening = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(added, heap[parent] as Happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = added;
  }

  /** Lets the next thing happen, if it is due by `untilMs`; otherwise only time passes, and false is returned. */
  advance(untilMs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    this.#removeFirst();
    this.#nowMs = next.atMs;
    next.run();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Happening;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (!isBefore(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
