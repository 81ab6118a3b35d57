import { CodecError } from './codec-error.ts';

const VARINT_BYTES_MAX = 8;

/**
 * Reads what `ByteWriter` wrote. Strict: anything that no writer produces is a `CodecError`, and nothing is
 * allocated before it is known to be there.
 */
export class ByteReader {
  readonly #buffer: Uint8Array;
  #offset: number;
  readonly #end: number;

  constructor(buffer: Uint8Array, start = 0, end: number = buffer.length) {
    this.#buffer = buffer;
    this.#offset = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  byte(): number {
    if (this.#offset >= this.#end) throw this.error('truncated', 'Input ends inside a value');
    const value = this.#buffer[this.#offset] as number;
    this.#offset += 1;
    return value;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    for (let count = 1; count < VARINT_BYTES_MAX; count += 1) {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One value has one encoding: a last byte of 0 says nothing.
        if (byte === 0) throw this.error('malformed', 'Number is longer than it needs to be');
        if (value > Number.MAX_SAFE_INTEGER) throw this.error('malformed', 'Number is above 2^53-1');
        return value;
      }
      scale *= 128;
    }
    throw this.error('malformed', `Number is longer than ${VARINT_BYTES_MAX} bytes`);
  }

  uint32(): number {
    if (this.remaining < 4) throw this.error('truncated', 'Input ends inside a value');
    const buffer = this.#buffer;
    const at = this.#offset;
    this.#offset += 4;
    const low = (buffer[at] as number) | ((buffer[at + 1] as number) << 8) | ((buffer[at + 2] as number) << 16);
    return (low | ((buffer[at + 3] as number) << 24)) >>> 0;
  }

  /** A number of things of at least `eachBytesMin` bytes that follow. */
  count(countMax: number, eachBytesMin: number): number {
    const count = this.varint();
    if (count > countMax) throw this.error('too-large', `Count of ${count} is above the limit of ${countMax}`);
    if (count * eachBytesMin > this.remaining) throw this.error('truncated', `Input ends before ${count} items`);
    return count;
  }

  /** Length and bytes: a view on the input, not a copy, so that entries cost one small object each. */
  bytes(lengthMax: number): Uint8Array {
    const length = this.varint();
    if (length > lengthMax) throw this.error('too-large', `Length of ${length} is above the limit of ${lengthMax}`);
    return this.raw(length);
  }

  raw(length: number): Uint8Array {
    if (length > this.remaining) throw this.error('truncated', `Input ends before ${length} bytes`);
    const start = this.#offset;
    this.#offset += length;
    // Not `subarray`: on a Buffer that would make another Buffer, which is slower and differs in methods.
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length);
  }

  /** Everything must have been read. */
  finish(): void {
    if (this.remaining > 0) throw this.error('malformed', `Input has ${this.remaining} bytes too many`);
  }

  error(code: 'truncated' | 'malformed' | 'too-large' | 'unsupported-version', message: string): CodecError {
    return new CodecError(code, `${message}, at byte ${this.#offset}`, this.#offset);
  }
}
