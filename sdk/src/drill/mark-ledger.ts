/** The writer's own book of marks: which were acknowledged, and when. The audit compares the fleet's book with it. */

/** Marks from first to last, both included. */
export interface MarkSpan {
  readonly first: bigint;
  readonly last: bigint;
}

export class MarkLedger {
  readonly #sequences: number[] = [];
  readonly #timesMs: number[] = [];

  /** Times are of a monotonic clock; calls come in their order. */
  acknowledge(sequence: number, atMs: number): void {
    this.#sequences.push(sequence);
    this.#timesMs.push(atMs);
  }

  get count(): number {
    return this.#sequences.length;
  }

  countUntil(atMs: number): number {
    return this.#timesMs.filter((timeMs) => timeMs <= atMs).length;
  }

  countAfter(atMs: number): number {
    return this.count - this.countUntil(atMs);
  }

  /**
   * The longest time between two acknowledged writes in a row, of which the later came after `faultMs`. Not the first
   * one after the fault counts: a leader that is about to die still acknowledges what it has in hand.
   */
  longestPauseMs(faultMs: number): number | undefined {
    let longestMs: number | undefined;
    for (const [index, timeMs] of this.#timesMs.entries()) {
      if (timeMs <= faultMs) continue;
      const pauseMs = timeMs - (this.#timesMs[index - 1] ?? faultMs);
      if (longestMs === undefined || pauseMs > longestMs) longestMs = pauseMs;
    }
    return longestMs;
  }

  /** Acknowledged marks that are in none of the spans, ordered. */
  missingFrom(spans: readonly MarkSpan[]): number[] {
    const there = (sequence: number) => spans.some(({ first, last }) => first <= sequence && sequence <= last);
    return this.#sequences.filter((sequence) => !there(sequence)).sort((left, right) => left - right);
  }
}
