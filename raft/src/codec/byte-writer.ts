const INITIAL_BYTES = 4096;

/** A buffer that is kept above this size only as long as one user needs it: see `reset`. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Writes numbers and bytes one behind the other into one buffer, which grows by doubling and is used again after
 * `reset`. Whole numbers are little-endian varints of 7 bits per byte: terms, indexes and lengths are small in
 * practice (1–4 bytes), and up to 2^53-1 they need no BigInt and at most 8 bytes.
 */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Starts again at 0. What `view` gave before is no longer valid. */
  reset(): void {
    this.#length = 0;
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = new Uint8Array(INITIAL_BYTES);
  }

  /** What was written, without a copy: valid until the next write or `reset`. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** `value` must be a safe integer of at least 0. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not a whole number of at least 0: ${value}`);
    this.#reserve(8);
    const buffer = this.#buffer;
    let at = this.#length;
    let rest = value;
    // Bit operators work on 32 bits only, so the upper part goes by division.
    while (rest > 0x7fffffff) {
      buffer[at] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
      at += 1;
    }
    while (rest > 0x7f) {
      buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
      at += 1;
    }
    buffer[at] = rest;
    this.#length = at + 1;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#length += 4;
    this.patchUint32(this.#length - 4, value);
  }

  /** Sets four bytes that were written before. */
  patchUint32(at: number, value: number): void {
    this.#buffer[at] = value & 0xff;
    this.#buffer[at + 1] = (value >>> 8) & 0xff;
    this.#buffer[at + 2] = (value >>> 16) & 0xff;
    this.#buffer[at + 3] = value >>> 24;
  }

  /** The bytes alone, without their length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The length as a varint, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  zeros(count: number): void {
    this.#reserve(count);
    this.#buffer.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
