import { quantity } from './quantity.ts';
import type { ValueType } from './value-type.ts';

const MIB_PER_GIB = 1024;
const WRITTEN = /^(\d{1,9})(MiB|GiB)$/;
/** What people also write, each with the unit to write instead. Decimal units are refused: they invite surprises. */
const OTHER_UNIT = /^(\d{1,9}) ?(k|m|g|M|G|KB|MB|GB|kb|mb|gb|Mi|Gi|mib|gib|MiB|GiB)$/;

interface MemorySizeOptions {
  readonly minMib: number;
  readonly maxMib: number;
}

/** An amount of memory: "512MiB" or "2GiB" in a file, MiB (2^20 bytes) in a JobSpec. */
export function memorySize({ minMib, maxMib }: MemorySizeOptions): ValueType<number> {
  const range = `from ${renderMemorySize(minMib)} to ${renderMemorySize(maxMib)}`;
  const allowed = `a size such as "512MiB" (a whole number and MiB or GiB, ${range})`;
  return quantity({ min: minMib, max: maxMib, allowed, parse: parseMemorySize, render: renderMemorySize, hint });
}

/** MiB, or undefined if the text is no size. */
export function parseMemorySize(text: string): number | undefined {
  const [, digits, unit] = WRITTEN.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (unit === 'GiB' ? MIB_PER_GIB : 1);
}

/** In GiB where that gives a whole number: 2048 is "2GiB". */
export function renderMemorySize(valueMib: number): string {
  return valueMib !== 0 && valueMib % MIB_PER_GIB === 0 ? `${valueMib / MIB_PER_GIB}GiB` : `${valueMib}MiB`;
}

function hint(value: unknown): string | undefined {
  if (typeof value === 'number') return `write it with its unit: "${value}MiB"`;
  const [, digits, unit] = typeof value === 'string' ? (OTHER_UNIT.exec(value) ?? []) : [];
  if (digits === undefined || /^k/i.test(unit ?? '')) return undefined;
  return `did you mean "${digits}${/^g/i.test(unit ?? '') ? 'GiB' : 'MiB'}"?`;
}
