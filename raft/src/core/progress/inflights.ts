import { InvariantError } from '../invariant-error.ts';

const FIRST_CAPACITY = 16;

/**
 * The append messages on their way to one follower, oldest first: a ring of (last index, bytes) that grows up to
 * `countMax` only when it is needed, so that many idle followers cost little.
 */
export class Inflights {
  readonly countMax: number;
  /** 0 means no limit. A single message may go over it; then nothing more is sent before it is acknowledged. */
  readonly bytesMax: number;
  private start = 0;
  private used = 0;
  private bytes = 0;
  private indexes: number[] = [];
  private sizes: number[] = [];

  constructor(countMax: number, bytesMax: number) {
    this.countMax = countMax;
    this.bytesMax = bytesMax;
  }

  get count(): number {
    return this.used;
  }

  /** Of the messages together. */
  get usedBytes(): number {
    return this.bytes;
  }

  full(): boolean {
    return this.used >= this.countMax || (this.bytesMax > 0 && this.bytes >= this.bytesMax);
  }

  /** Notes a message whose last entry is at `index`. Indexes never go down. */
  add(index: number, bytes: number): void {
    if (this.full()) throw new InvariantError(`Inflights are full and can't take index '${index}'`);
    if (this.used === this.indexes.length) this.grow();
    const at = (this.start + this.used) % this.indexes.length;
    this.indexes[at] = index;
    this.sizes[at] = bytes;
    this.used++;
    this.bytes += bytes;
  }

  /** The follower has everything up to `index`: forgets all messages that end there or before. */
  freeUpTo(index: number): void {
    while (this.used > 0 && (this.indexes[this.start] as number) <= index) {
      this.bytes -= this.sizes[this.start] as number;
      this.start = (this.start + 1) % this.indexes.length;
      this.used--;
    }
  }

  reset(): void {
    this.start = 0;
    this.used = 0;
    this.bytes = 0;
  }

  private grow(): void {
    const capacity = Math.min(Math.max(FIRST_CAPACITY, this.indexes.length * 2), this.countMax);
    const indexes = Array.from({ length: capacity }, () => 0);
    const sizes = indexes.slice();
    for (let i = 0; i < this.used; i++) {
      const from = (this.start + i) % this.indexes.length;
      indexes[i] = this.indexes[from] as number;
      sizes[i] = this.sizes[from] as number;
    }
    this.indexes = indexes;
    this.sizes = sizes;
    this.start = 0;
  }
}
