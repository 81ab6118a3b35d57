import { type Setting, scalar } from './setting.ts';

const UNITS_BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** "512KiB", "1.5GiB" in bytes; undefined for anything else. */
export function parseSizeBytes(text: string): number | undefined {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(KiB|MiB|GiB|TiB)$/.exec(text);
  const unitBytes = found === null ? undefined : UNITS_BYTES[found[2]!];
  return unitBytes === undefined ? undefined : Math.round(Number(found![1]) * unitBytes);
}

/** An amount of memory or disk, read as bytes. The limits are written as people write sizes. */
export function size(min: string, max: string): Setting<number> {
  const minBytes = parseSizeBytes(min)!;
  const maxBytes = parseSizeBytes(max)!;
  return scalar(`a size from "${min}" to "${max}"`, (value) => {
    const bytes = typeof value === 'string' ? parseSizeBytes(value) : undefined;
    return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
  });
}
