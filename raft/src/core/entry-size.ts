import type { Entry } from './types.ts';

/** What an entry costs besides its data, in bytes: term, index, type and framing, as our codec writes them. */
export const ENTRY_OVERHEAD_BYTES = 24;

/** Bytes of an entry on the wire and in the log, for all limits on messages and on entries being applied. */
export function entrySize(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

export function entriesSize(entries: readonly Entry[]): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += (entries[i] as Entry).data.length;
  return bytes + entries.length * ENTRY_OVERHEAD_BYTES;
}

/** Bytes of data alone. An empty entry weighs nothing, so a new leader's first entry is never refused. */
export function payloadSize(entries: readonly Entry[]): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += (entries[i] as Entry).data.length;
  return bytes;
}

/** How many of the entries from `start` to `end` fit in `sizeMax` bytes; at least one, so that all get through. */
export function countWithin(entries: readonly Entry[], start: number, end: number, sizeMax: number): number {
  if (sizeMax === Number.POSITIVE_INFINITY) return end - start;
  let bytes = 0;
  for (let i = start; i < end; i++) {
    bytes += entrySize(entries[i] as Entry);
    if (bytes > sizeMax && i > start) return i - start;
  }
  return end - start;
}
