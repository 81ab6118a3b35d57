import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogStreamName } from '../../ports.ts';
import { listSegments } from './log-segments.ts';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Reads one stream of an allocation from file to file, also while it is written and while old files are deleted. */
export class StreamReader {
  readonly stream: LogStreamName;
  readonly #logs: string;
  #segment = '';
  #file: FileHandle | undefined;
  #offset = 0;
  #modifiedMs = 0;
  #pending: Uint8Array | undefined;

  constructor(logs: string, stream: LogStreamName) {
    this.#logs = logs;
    this.stream = stream;
  }

  /** Goes to where the last lines begin; an unfinished line counts. */
  async seekTail(lines: number): Promise<void> {
    const segments = await listSegments(this.#logs, this.stream);
    const tail = { missing: lines, last: true };
    for (const { name } of segments.reverse()) {
      await this.#open(name);
      if (this.#file === undefined) continue;
      const offset = await findTail(this.#file, tail);
      this.#offset = offset ?? 0;
      if (offset !== undefined) return;
    }
  }

  /** What comes next, without taking it; undefined if there is nothing now. */
  async peek(): Promise<Uint8Array | undefined> {
    this.#pending ??= await this.#read();
    return this.#pending;
  }

  take(): Uint8Array {
    const data = this.#pending!;
    this.#pending = undefined;
    return data;
  }

  /** Sorts what is pending of several streams: by run, then by when its file was last written. */
  isBefore(other: StreamReader): boolean {
    const [own, others] = [runOf(this.#segment), runOf(other.#segment)];
    return own === others ? this.#modifiedMs <= other.#modifiedMs : own < others;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      // Asked before reading: what a newer file follows is complete.
      const segments = await listSegments(this.#logs, this.stream);
      const newer = segments.find(({ name }) => name > this.#segment);
      const data = await this.#readFile();
      if (data !== undefined) return data;
      if (newer === undefined) return undefined;
      await this.#open(newer.name);
    }
  }

  async #readFile(): Promise<Uint8Array | undefined> {
    if (this.#file === undefined) return undefined;
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#offset);
    this.#offset += bytesRead;
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  }

  /** A file that was deleted meanwhile counts as read. */
  async #open(name: string): Promise<void> {
    await this.close();
    this.#segment = name;
    this.#offset = 0;
    this.#file = await open(join(this.#logs, name)).catch(() => undefined);
    this.#modifiedMs = (await this.#file?.stat())?.mtimeMs ?? 0;
  }
}

function runOf(segment: string): string {
  return segment.slice('stdout.'.length, 'stdout.000001'.length);
}

/** Where the missing lines begin in the file; undefined if it has fewer, which are then no longer missing. */
async function findTail(file: FileHandle, tail: { missing: number; last: boolean }): Promise<number | undefined> {
  let end = (await file.stat()).size;
  if (tail.missing === 0) return end;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let index = end - start - 1; index >= 0; index -= 1) {
      // The newline that ends the very last line begins no other one.
      if (buffer[index] === NEWLINE && !tail.last) {
        tail.missing -= 1;
        if (tail.missing === 0) return start + index + 1;
      }
      tail.last = false;
    }
    end = start;
  }
  return undefined;
}
