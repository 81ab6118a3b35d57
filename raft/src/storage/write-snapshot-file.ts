import { crc32 } from 'node:zlib';
import { type FileSystem, type OpenFile, writeFully } from './file-system.ts';
import { removeQuietly } from './segment-file.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodeSnapshotHeader,
  encodeTrailer,
  type SnapshotHeader,
} from './snapshot-format.ts';
import { diskError, onDisk } from './storage-error.ts';

/** Small pieces are gathered up to this many bytes. */
const BLOCK_BYTES = 256 * 1024;

/** Synced this often while it grows: one sync of a large file at its end would hold up the log's syncs. */
const SYNC_EVERY_BYTES = 8 * 1024 * 1024;

/**
 * Writes a whole snapshot file and syncs it; the caller gives it its final name. Whatever fails, the file is removed.
 * What the file system throws becomes a `StorageError`; what `data` throws passes as it is.
 */
export async function writeSnapshotFile(
  fileSystem: FileSystem,
  path: string,
  header: SnapshotHeader,
  data: AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await onDisk('create', path, fileSystem.open(path, 'create'));
  try {
    const output = new BlockWriter(file, path);
    await output.write(encodeSnapshotHeader(header));
    for await (const chunk of data) await output.add(chunk);
    await output.finish();
    await onDisk('close', path, file.close());
  } catch (error) {
    await removeQuietly(fileSystem, file, path);
    throw error;
  }
}

/** How far a file has come. */
export interface BlockPosition {
  /** In the file. */
  readonly offset: number;
  /** Of the data so far. */
  readonly crc: number;
  readonly total: number;
}

const START: BlockPosition = { offset: 0, crc: 0, total: 0 };

export class BlockWriter {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #block = new Uint8Array(BLOCK_HEADER_BYTES + BLOCK_BYTES);
  #filled = 0;
  #position: number;
  #unsynced = 0;
  #crc: number;
  #total: number;

  constructor(file: OpenFile, path: string, start: BlockPosition = START) {
    this.#file = file;
    this.#path = path;
    this.#position = start.offset;
    this.#crc = start.crc;
    this.#total = start.total;
  }

  /** Of all that was added. Exact only after `flush`. */
  get content(): { readonly sizeBytes: number; readonly checksum: number } {
    return { sizeBytes: this.#total, checksum: this.#crc };
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, BLOCK_BYTES - this.#filled);
      this.#block.set(chunk.subarray(at, at + count), BLOCK_HEADER_BYTES + this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === BLOCK_BYTES) await this.flush();
    }
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.write(encodeTrailer(this.#total, this.#crc));
    await this.#sync();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeFully(this.#file, bytes, this.#position).catch((cause) => this.#fail('write', cause));
    this.#position += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_EVERY_BYTES) await this.#sync();
  }

  /** Ends the present block. */
  async flush(): Promise<void> {
    if (this.#filled === 0) return;
    const end = BLOCK_HEADER_BYTES + this.#filled;
    this.#crc = crc32(this.#block.subarray(BLOCK_HEADER_BYTES, end), this.#crc);
    this.#block.set(encodeBlockHeader(this.#filled, this.#crc));
    this.#total += this.#filled;
    this.#filled = 0;
    await this.write(this.#block.subarray(0, end));
  }

  async #sync(): Promise<void> {
    await this.#file.datasync().catch((cause) => this.#fail('sync', cause));
    this.#unsynced = 0;
  }

  #fail(action: string, cause: unknown): never {
    throw diskError(action, this.#path, cause);
  }
}

// The reader takes larger blocks than the writer makes, so that this size can grow without a new format.
if (BLOCK_BYTES > BLOCK_BYTES_MAX) throw new Error('Block size is above what a reader accepts');
