import { plainType, type Refusal, refuse, type ValueType } from './value-type.ts';

/** Longest text of one argument or one environment variable, in bytes of UTF-8. */
export const TEXT_BYTES_MAX = 32 * 1024;

interface TextOptions {
  readonly allowed: string;
  readonly pattern?: RegExp;
  /** In bytes of UTF-8. */
  readonly bytesMax?: number;
}

/** A string without NUL characters, which no process could be given. */
export function text({ allowed, pattern, bytesMax = TEXT_BYTES_MAX }: TextOptions): ValueType<string> {
  return plainType(allowed, (value) => {
    if (typeof value !== 'string') return refuse(value, allowed, quoteHint(value));
    if (value.includes('\0')) return refuse(value, allowed, 'it has a NUL character');
    if (byteLength(value) > bytesMax) return refuse(value, allowed, `it has ${byteLength(value)} bytes`);
    return pattern === undefined || pattern.test(value) ? [] : refuse(value, allowed);
  });
}

interface TextListOptions {
  readonly allowed: string;
  readonly entriesMax: number;
}

/** A program and its arguments: a list of strings, of which only the first must not be empty. */
export function commandLine({ allowed, entriesMax }: TextListOptions): ValueType<readonly string[]> {
  const argument = text({ allowed: `a string of at most ${TEXT_BYTES_MAX / 1024} KiB` });
  return plainType(allowed, (value, siblings) => {
    if (typeof value === 'string') return refuse(value, allowed, 'no shell splits it into words');
    if (!Array.isArray(value) || value.length === 0) return refuse(value, allowed);
    if (value.length > entriesMax) return refuse(value, allowed, `it has ${value.length} entries`);
    if (value[0] === '') return [{ at: [0], value: '', message: 'must be the name or path of a program' }];
    return value.flatMap((entry: unknown, index): Refusal[] =>
      argument.check(entry, siblings).map((refusal) => ({ ...refusal, at: [index] })),
    );
  });
}

/** In UTF-8. */
export function byteLength(value: string): number {
  return new TextEncoder().encode(value).length;
}

function quoteHint(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? `write it in quotes: "${value}"` : undefined;
}
