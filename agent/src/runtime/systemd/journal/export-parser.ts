/** What is read of one entry of the journal. */
export interface JournalEntry {
  /** Names the entry for ever. */
  readonly cursor: string;
  /** When journald took it in, milliseconds since 1970. */
  readonly atMs: number;
  readonly message: Uint8Array;
  /** Why the line ends there: "nul", "line-max", "eof", "pid-change"; empty: at a newline (systemd.journal-fields(7)). */
  readonly lineBreak: string;
}

/** Of one field; what is longer, which only programs that speak to journald themselves can write, is cut off. */
export const FIELD_BYTES_MAX = 1024 * 1024;

const NEWLINE = 10;
const SIZE_BYTES = 8;

/**
 * Reads the Journal Export Format (https://systemd.io/JOURNAL_EXPORT_FORMATS) as it comes, however it is cut in pieces.
 * A field is "NAME=value\n", or "NAME\n", 64 bits of size (little endian), the value and "\n"; an empty line ends an entry.
 */
export class ExportParser {
  #rest: Buffer = Buffer.alloc(0);
  /** Name and size of a value with a size that is being read. */
  #sized: { readonly name: string; readonly bytes: number } | undefined;
  /** Bytes that belong to a value which is already long enough: not kept. Infinite: up to the next newline. */
  #skip = 0;
  #fields = new Map<string, Buffer>();

  /** The entries that are whole now. */
  push(data: Uint8Array): JournalEntry[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(data) : Buffer.concat([this.#rest, data]);
    const entries: JournalEntry[] = [];
    while (this.#step(entries));
    return entries;
  }

  /** False if more is needed to go on. */
  #step(entries: JournalEntry[]): boolean {
    if (this.#skip > 0) return this.#skipOn();
    if (this.#sized !== undefined) return this.#readSized(this.#sized.name, this.#sized.bytes);
    const end = this.#rest.indexOf(NEWLINE);
    if (end < 0) return this.#cutLong();
    const line = this.#rest.subarray(0, end);
    const equals = line.indexOf('=');
    if (end > 0 && equals < 0) return this.#beginSized(line.toString('latin1'), end + 1);
    this.#rest = this.#rest.subarray(end + 1);
    if (end > 0) this.#fields.set(line.toString('latin1', 0, equals), line.subarray(equals + 1));
    else this.#finish(entries);
    return true;
  }

  #beginSized(name: string, start: number): boolean {
    if (this.#rest.length < start + SIZE_BYTES) return false;
    this.#sized = { name, bytes: Number(this.#rest.readBigUInt64LE(start)) };
    this.#rest = this.#rest.subarray(start + SIZE_BYTES);
    return true;
  }

  #readSized(name: string, bytes: number): boolean {
    const kept = Math.min(bytes, FIELD_BYTES_MAX);
    // Either all of it and the newline behind it, or as much as is kept.
    if (this.#rest.length < (kept < bytes ? kept : bytes + 1)) return false;
    this.#fields.set(name, this.#rest.subarray(0, kept));
    this.#rest = this.#rest.subarray(kept);
    this.#skip = bytes + 1 - kept;
    this.#sized = undefined;
    return true;
  }

  #skipOn(): boolean {
    const newline = this.#skip === Number.POSITIVE_INFINITY ? this.#rest.indexOf(NEWLINE) : -1;
    const skipped = newline < 0 ? Math.min(this.#skip, this.#rest.length) : newline + 1;
    this.#rest = this.#rest.subarray(skipped);
    this.#skip = newline < 0 ? this.#skip - skipped : 0;
    return this.#skip === 0;
  }

  #cutLong(): boolean {
    if (this.#rest.length <= FIELD_BYTES_MAX) return false;
    const equals = this.#rest.indexOf('=');
    this.#fields.set(this.#rest.toString('latin1', 0, equals), this.#rest.subarray(equals + 1, FIELD_BYTES_MAX));
    this.#skip = Number.POSITIVE_INFINITY;
    return true;
  }

  #finish(entries: JournalEntry[]): void {
    const cursor = this.#fields.get('__CURSOR')?.toString('latin1') ?? '';
    const message = this.#fields.get('MESSAGE') ?? Buffer.alloc(0);
    const lineBreak = this.#fields.get('_LINE_BREAK')?.toString('latin1') ?? '';
    const atMs = Number(this.#fields.get('__REALTIME_TIMESTAMP')?.toString('latin1') ?? 0) / 1_000;
    this.#fields = new Map();
    if (cursor !== '') entries.push({ cursor, atMs, message, lineBreak });
  }
}
