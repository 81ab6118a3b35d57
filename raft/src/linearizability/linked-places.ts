/**
 * The numbers from 0 to `size - 1`, in order, of which some are taken out. What was taken out is put back in reverse
 * order, at its old place, in constant time (Knuth's dancing links).
 */
export class LinkedPlaces {
  /** One more than the highest number: the end, and the way to the beginning. */
  readonly end: number;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(size: number) {
    this.end = size;
    this.#next = Int32Array.from({ length: size + 1 }, (_, at) => (at + 1) % (size + 1));
    this.#previous = Int32Array.from({ length: size + 1 }, (_, at) => (at + size) % (size + 1));
  }

  /** The lowest number that is left, or `end`. */
  get first(): number {
    return this.#next[this.end] as number;
  }

  /** The next higher number that is left, or `end`. Works for numbers that were taken out, too. */
  after(place: number): number {
    return this.#next[place] as number;
  }

  takeOut(place: number): void {
    const next = this.#next[place] as number;
    const previous = this.#previous[place] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  putBack(place: number): void {
    this.#next[this.#previous[place] as number] = place;
    this.#previous[this.#next[place] as number] = place;
  }
}
