const WORD_BITS = 16;
const FULL_WORD = 2 ** WORD_BITS - 1;

/**
 * A set of numbers below a limit, with a key that is short if the set is a beginning of all numbers and little more:
 * most often that is what has been ordered of a history.
 */
export class PlaceSet {
  readonly #words: Uint16Array;
  /** Words before this one are full. */
  #low = 0;
  /** Words from this one on are empty. */
  #high = 0;

  constructor(limit: number) {
    this.#words = new Uint16Array(Math.ceil(limit / WORD_BITS));
  }

  add(place: number): void {
    const word = Math.floor(place / WORD_BITS);
    this.#words[word] = (this.#words[word] as number) | (1 << (place % WORD_BITS));
    this.#high = Math.max(this.#high, word + 1);
  }

  delete(place: number): void {
    const word = Math.floor(place / WORD_BITS);
    this.#words[word] = (this.#words[word] as number) & ~(1 << (place % WORD_BITS));
    this.#low = Math.min(this.#low, word);
  }

  /** Equal sets have equal keys, and others don't. */
  key(): string {
    const words = this.#words;
    while (this.#low < this.#high && words[this.#low] === FULL_WORD) this.#low++;
    while (this.#high > this.#low && words[this.#high - 1] === 0) this.#high--;
    let key = `${this.#low}:`;
    for (let at = this.#low; at < this.#high; at++) key += String.fromCharCode(words[at] as number);
    return key;
  }
}
