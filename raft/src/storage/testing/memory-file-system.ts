import path from 'node:path';
import type { FileSystem, OpenFile, OpenMode } from '../file-system.ts';

const SECTOR_BYTES = 512;

/** A file's content, apart from its names. */
interface Content {
  bytes: Uint8Array;
  /** Places that were written since the last sync, with what was there before. */
  unsynced: { readonly position: number; readonly before: Uint8Array }[];
}

export type Operation = 'open' | 'write' | 'read' | 'datasync' | 'rename' | 'remove' | 'list' | 'syncDirectory';

/**
 * A disk in memory that knows what was synced. `crash` gives the disk as it may look after a loss of power: each
 * sector that was written and not synced is new or old, and so is each name. `beforeEach` may throw to make an
 * operation fail, or never resolve to stop there.
 */
export class MemoryFileSystem implements FileSystem {
  beforeEach: ((operation: Operation, path: string) => Promise<void> | undefined) | undefined;
  /** At most so many bytes are taken by one write. */
  writeBytesMax = Number.MAX_SAFE_INTEGER;
  /** What `freeBytes` says; nothing is enforced by it. */
  free = Number.MAX_SAFE_INTEGER;
  #names = new Map<string, Content>();
  #durableNames = new Map<string, Content>();

  async open(name: string, mode: OpenMode): Promise<OpenFile> {
    await this.beforeEach?.('open', name);
    const found = this.#names.get(name);
    if (mode === 'create' && found !== undefined) throw failure('EEXIST', name);
    if (mode !== 'create' && found === undefined) throw failure('ENOENT', name);
    const content = found ?? { bytes: new Uint8Array(0), unsynced: [] };
    this.#names.set(name, content);
    return this.#openFile(name, content);
  }

  async makeDirectory(): Promise<void> {}

  async list(directory: string): Promise<readonly string[]> {
    await this.beforeEach?.('list', directory);
    return [...this.#names.keys()]
      .filter((name) => path.dirname(name) === directory)
      .map((name) => path.basename(name));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.beforeEach?.('rename', from);
    const content = this.#names.get(from);
    if (content === undefined) throw failure('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, content);
  }

  async remove(name: string): Promise<void> {
    await this.beforeEach?.('remove', name);
    if (!this.#names.delete(name)) throw failure('ENOENT', name);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.beforeEach?.('syncDirectory', directory);
    this.#durableNames = new Map(this.#names);
  }

  async freeBytes(): Promise<number> {
    return this.free;
  }

  /** The content of a file as it is now; a change to it is a change on the disk. */
  bytesOf(name: string): Uint8Array {
    const content = this.#names.get(name);
    if (content === undefined) throw failure('ENOENT', name);
    return content.bytes;
  }

  replace(name: string, bytes: Uint8Array): void {
    this.#names.set(name, { bytes, unsynced: [] });
  }

  /** A copy; `lost` says of each thing that was not synced whether it is lost. */
  crash(lost: () => boolean = () => false): MemoryFileSystem {
    const copy = new MemoryFileSystem();
    const names = lost() ? this.#durableNames : this.#names;
    for (const [name, content] of names) copy.#names.set(name, { bytes: afterCrash(content, lost), unsynced: [] });
    copy.#durableNames = new Map(copy.#names);
    return copy;
  }

  #openFile(name: string, content: Content): OpenFile {
    return {
      write: async (bytes, position) => {
        const taken = bytes.slice(0, this.writeBytesMax);
        await this.beforeEach?.('write', name);
        writeInto(content, taken, position);
        return taken.length;
      },
      read: async (into, position) => {
        await this.beforeEach?.('read', name);
        const part = content.bytes.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      datasync: async () => {
        await this.beforeEach?.('datasync', name);
        content.unsynced = [];
      },
      size: async () => content.bytes.length,
      truncate: async (sizeBytes) => {
        content.bytes = content.bytes.slice(0, sizeBytes);
      },
      close: async () => undefined,
    };
  }
}

export function failure(code: string, name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: "${name}"`), { code });
}

function writeInto(content: Content, bytes: Uint8Array, position: number): void {
  const end = position + bytes.length;
  if (end > content.bytes.length) {
    const grown = new Uint8Array(end);
    grown.set(content.bytes);
    content.bytes = grown;
  }
  for (let from = position; from < end; from = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES)) {
    const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    content.unsynced.push({ position: from, before: content.bytes.slice(from, to) });
  }
  content.bytes.set(bytes, position);
}

function afterCrash(content: Content, lost: () => boolean): Uint8Array {
  const bytes = content.bytes.slice();
  for (const { position, before } of content.unsynced.toReversed()) if (lost()) bytes.set(before, position);
  return bytes;
}
