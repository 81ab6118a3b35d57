/** How often something may be done, for each of many keys. Pure: the clock is an argument. */

export interface BucketSettings {
  /** How fast a bucket fills. */
  readonly perSecond: number;
  /** What a full bucket holds: so many at once after a pause. At least 1. */
  readonly burst: number;
}

/** Keys that are known at once; beyond, the one that was used longest ago is forgotten: its bucket is full again. */
export const KEYS_MAX = 100_000;

/** What arithmetic may be off by. */
const ROUNDING = 1e-6;

interface Bucket {
  /** May be a fraction. */
  held: number;
  atMs: number;
}

/** A token bucket for each key. */
export class TokenBuckets {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #keysMax: number;
  /** The one that was used last comes last. */
  readonly #buckets = new Map<string, Bucket>();
  #lastKey: string | undefined;
  #lastBucket: Bucket | undefined;

  constructor({ perSecond, burst }: BucketSettings, keysMax = KEYS_MAX) {
    this.#perMs = perSecond / 1_000;
    this.#burst = Math.max(1, burst);
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one; gives 0, or how many milliseconds to wait until there is one. `nowMs` is monotonic. `amount`: what costs
   * more is given as soon as there is one, and the bucket owes the rest; so over time it is never more than the rate.
   */
  take(key: string, nowMs: number, amount = 1): number {
    const bucket = this.#bucket(key, nowMs);
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.held = Math.min(this.#burst, bucket.held + passedMs * this.#perMs);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    const missing = Math.min(1, amount) - bucket.held;
    if (missing > ROUNDING) return Math.ceil(missing / this.#perMs - ROUNDING);
    bucket.held -= amount;
    return 0;
  }

  #bucket(key: string, nowMs: number): Bucket {
    // Most calls come in rows from the same one, and that stands last already.
    if (key === this.#lastKey && this.#lastBucket !== undefined) return this.#lastBucket;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#keysMax) this.#buckets.delete(this.#buckets.keys().next().value!);
      bucket = { held: this.#burst, atMs: nowMs };
    } else this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#lastKey = key;
    this.#lastBucket = bucket;
    return bucket;
  }
}
