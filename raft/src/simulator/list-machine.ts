import type { Entry } from '../core/index.ts';

const VALUE_BYTES = 8;

/** A value as the data of an entry. */
export function encodeValue(value: number): Uint8Array {
  const bytes = new Uint8Array(VALUE_BYTES);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

export function decodeValue(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getFloat64(0);
}

/** The replicated state of the simulation: the list of all values, in the order in which they were committed. */
export class ListMachine {
  values: number[];
  /** The last index that is in `values`. */
  applied: number;

  constructor(applied: number, data: Uint8Array) {
    this.applied = applied;
    this.values = decodeValues(data);
  }

  apply(entry: Entry): void {
    this.applied = entry.index;
    if (entry.type === 'normal' && entry.data.length > 0) this.values.push(decodeValue(entry.data));
  }

  /** The data of a snapshot. */
  capture(): Uint8Array {
    return new Uint8Array(new Float64Array(this.values).buffer);
  }

  restore(index: number, data: Uint8Array): void {
    this.applied = index;
    this.values = decodeValues(data);
  }
}

function decodeValues(data: Uint8Array): number[] {
  return [...new Float64Array(data.slice().buffer)];
}
