/**
 * Reproducible chance for planning; not for secrets. A counter that is mixed (in the manner of splitmix, Steele et al.,
 * "Fast splittable pseudorandom number generators", 2014), 32 bits wide.
 */
export class SeededRandom {
  #counter: number;

  constructor(seed: number) {
    this.#counter = mix(seed | 0) ^ mix(Math.floor(seed / 2 ** 32) | 0);
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    this.#counter = (this.#counter + 0x9e3779b9) | 0;
    return mix(this.#counter) >>> 0;
  }

  /** A whole number from 0 to `limit` - 1, for limits far below 2^32. */
  below(limit: number): number {
    return this.next() % limit;
  }
}

/** A number from 0 to 2^32 - 1 that depends on every character and on the seed. */
export function hashText(text: string, seed: number): number {
  let hash = seed | 0;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  return mix(hash) >>> 0;
}

/** Lets every bit of the input change every bit of the output about half of the time. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
