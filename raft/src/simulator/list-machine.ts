import type { Entry } from '../core/index.ts';
import { KEYS, unpackCommand } from './command.ts';
import type { Register } from './register.ts';
import { applyCommand, EMPTY_REGISTER } from './register.ts';

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

/**
 * The replicated state of the simulation: the list of all values, which are packed commands, in the order in which
 * they were committed; and the registers that they make.
 */
export class ListMachine {
  values: number[] = [];
  /** The last index that is in `values`. */
  applied: number;
  readonly registers: Register[] = Array.from({ length: KEYS }, () => EMPTY_REGISTER);

  constructor(applied: number, data: Uint8Array) {
    this.applied = applied;
    this.restore(applied, data);
  }

  apply(entry: Entry): void {
    this.applied = entry.index;
    if (entry.type !== 'normal' || entry.data.length === 0) return;
    const value = decodeValue(entry.data);
    this.values.push(value);
    this.#execute(value);
  }

  /** The data of a snapshot. */
  capture(): Uint8Array {
    return new Uint8Array(new Float64Array(this.values).buffer);
  }

  restore(index: number, data: Uint8Array): void {
    this.applied = index;
    this.values = [...new Float64Array(data.slice().buffer)];
    this.registers.fill(EMPTY_REGISTER);
    for (const value of this.values) this.#execute(value);
  }

  #execute(value: number): void {
    const command = unpackCommand(value);
    this.registers[command.key] = applyCommand(this.registers[command.key] as Register, command);
  }
}
