import type { Entry } from '../core/types.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { CodecError } from './codec-error.ts';

/** Bytes of one entry's data. */
export const ENTRY_DATA_BYTES_MAX = 64 * 1024 * 1024;

/** Entries of one message or one write. */
export const ENTRIES_MAX = 1_000_000;

const CONF_CHANGE = 0x01;
/** Same term as the entry before and the next index, so neither is written: nearly always so. */
const FOLLOWS = 0x02;

/** One flag byte and one length: the least that an entry takes. */
const ENTRY_BYTES_MIN = 2;

/** Layout: count, then for each entry: flags, term and index unless it follows the one before, length and data. */
export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  if (entries.length > ENTRIES_MAX) throw tooLarge(`${entries.length} entries`, ENTRIES_MAX);
  writer.varint(entries.length);
  let term = -1;
  let next = -1;
  for (const entry of entries) {
    const follows = entry.term === term && entry.index === next;
    writer.byte((entry.type === 'conf-change' ? CONF_CHANGE : 0) | (follows ? FOLLOWS : 0));
    if (!follows) {
      writer.varint(entry.term);
      writer.varint(entry.index);
    }
    if (entry.data.length > ENTRY_DATA_BYTES_MAX) throw tooLarge(`${entry.data.length} bytes`, ENTRY_DATA_BYTES_MAX);
    writer.bytes(entry.data);
    term = entry.term;
    next = entry.index + 1;
  }
}

/** The entries' data are views on the input: it must not be written to afterwards. */
export function readEntries(reader: ByteReader): Entry[] {
  const count = reader.count(ENTRIES_MAX, ENTRY_BYTES_MIN);
  const entries: Entry[] = [];
  let term = 0;
  let index = 0;
  for (let i = 0; i < count; i += 1) {
    const flags = reader.byte();
    if (flags > (CONF_CHANGE | FOLLOWS)) throw reader.error('malformed', `Unknown entry flags: ${flags}`);
    if ((flags & FOLLOWS) === 0) {
      term = reader.varint();
      index = reader.varint();
    } else {
      if (i === 0) throw reader.error('malformed', 'First entry follows none');
      if (index === Number.MAX_SAFE_INTEGER) throw reader.error('malformed', 'Entry index is above 2^53-1');
      index += 1;
    }
    const type = (flags & CONF_CHANGE) === 0 ? 'normal' : 'conf-change';
    entries.push({ term, index, type, data: reader.bytes(ENTRY_DATA_BYTES_MAX) });
  }
  return entries;
}

function tooLarge(what: string, limit: number): CodecError {
  return new CodecError('too-large', `Write of ${what} is above the limit of ${limit}`);
}
