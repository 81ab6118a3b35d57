const TWO_POW_32 = 2 ** 32;

/**
 * Chance from a seed: the same seed gives the same numbers on every machine. The generator is sfc32 (Chris
 * Doty-Humphrey, PractRand), with 128 bits of state, so that streams forked from it don't meet.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** `stream` tells apart generators of one seed, so that one part's draws don't shift another's. */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / TWO_POW_32) | 0;
    this.#c = stream | 0;
    this.#counter = 1;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** 32 random bits, as a whole number from 0. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.next() / TWO_POW_32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('There is nothing to pick from');
    return items[this.below(items.length)] as T;
  }

  /** One of the items, each as likely as its weight says. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.fraction() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return this.pick(items)[1];
  }

  /** `count` of the items, or all if there are fewer, in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const left = items.slice();
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) taken.push(left.splice(this.below(left.length), 1)[0] as T);
    return taken;
  }
}
