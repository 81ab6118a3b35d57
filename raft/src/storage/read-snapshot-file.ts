import { crc32 } from 'node:zlib';
import { ByteReader } from '../codec/index.ts';
import { type FileSystem, type OpenFile, readFully } from './file-system.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEADER_BYTES,
  decodeSnapshotHeader,
  decodeTrailer,
  SNAPSHOT_FORMAT_VERSION,
  SNAPSHOT_HEADER_BYTES_MAX,
  type SnapshotHeader,
  TRAILER_BYTES,
} from './snapshot-format.ts';
import { onDisk, StorageError, snapshotDamaged } from './storage-error.ts';
import type { BlockPosition } from './write-snapshot-file.ts';

/** Of the length at a block's beginning. */
const LENGTH_BYTES = 4;

/** Reads and verifies the header only. */
export async function readSnapshotHeader(fileSystem: FileSystem, path: string): Promise<SnapshotHeader> {
  const file = await openFile(fileSystem, path);
  try {
    return (await readHeader(file, path)).header;
  } finally {
    await file.close();
  }
}

/**
 * The data of a snapshot file, block by block, each verified before it is given. Only when the iteration ends without
 * an error is it known to be whole: take nothing into use before. Throws `CELL_E_SNAPSHOT_DAMAGED`.
 */
export async function* readSnapshotFile(
  fileSystem: FileSystem,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(fileSystem, path);
  let reading: Promise<Block | undefined> | undefined;
  try {
    const { bytes } = await readHeader(file, path);
    let at: BlockStart = { offset: bytes, crc: 0, total: 0 };
    for (;;) {
      const block = await (reading ?? readNext(file, path, at));
      if (block === undefined) break;
      at = block.end;
      // The disk works while the taker of this one does.
      reading = readNext(file, path, at);
      reading.catch(() => undefined);
      yield block.data;
    }
    await assertTrailer(file, path, at);
  } finally {
    await reading?.catch(() => undefined);
    await file.close();
  }
}

/**
 * How far a file that is not finished is good: up to its end, or to the first block that is cut off or bad. Undefined
 * if not even its header is, or if it is another one's.
 */
export async function findGoodEnd(
  file: OpenFile,
  path: string,
  isExpected: (header: SnapshotHeader) => boolean,
): Promise<BlockPosition | undefined> {
  try {
    const { header, bytes } = await readHeader(file, path);
    if (!isExpected(header)) return undefined;
    let at: BlockStart = { offset: bytes, crc: 0, total: 0 };
    for (;;) {
      const next = await readNext(file, path, at).catch(ignoreDamage);
      if (next === undefined) return at;
      at = next.end;
    }
  } catch (error) {
    return ignoreDamage(error);
  }
}

function ignoreDamage(error: unknown): undefined {
  if (error instanceof StorageError && error.code !== 'CELL_E_DISK_FAILED') return undefined;
  throw error;
}

/** What a finished file's end mark says of its data. */
export async function readSnapshotContent(
  fileSystem: FileSystem,
  path: string,
): Promise<{ readonly sizeBytes: number; readonly checksum: number }> {
  const file = await openFile(fileSystem, path);
  try {
    const start = (await onDisk('read', path, file.size())) - TRAILER_BYTES;
    if (start < 0) throw snapshotDamaged(path, 0, 'file ends before its end mark');
    const trailer = await readAt(file, path, start, TRAILER_BYTES);
    const checksum = new ByteReader(trailer, 4, 8).uint32();
    const sizeBytes = decodeTrailer(trailer, checksum);
    if (sizeBytes === undefined) throw snapshotDamaged(path, start, 'end mark is bad');
    return { sizeBytes, checksum };
  } finally {
    await file.close();
  }
}

/** Where a block begins, with its length if that is known already. */
interface BlockStart extends BlockPosition {
  readonly length?: number;
}

interface Block {
  readonly data: Uint8Array;
  readonly end: BlockStart;
}

/** The block at a place; undefined at the end mark. Reads the next one's length with it. */
async function readNext(file: OpenFile, path: string, start: BlockStart): Promise<Block | undefined> {
  const { offset, crc, total } = start;
  const length = start.length ?? blockLength(path, offset, await readAt(file, path, offset, LENGTH_BYTES));
  if (length === 0) return undefined;
  const size = BLOCK_HEADER_BYTES + length;
  const bytes = await readAt(file, path, offset, size + LENGTH_BYTES);
  if (bytes.length < size) throw snapshotDamaged(path, offset, 'file ends inside a block');
  const data = bytes.subarray(BLOCK_HEADER_BYTES, size);
  const end = { offset: offset + size, crc: crc32(data, crc), total: total + length };
  if (new ByteReader(bytes, LENGTH_BYTES, BLOCK_HEADER_BYTES).uint32() !== end.crc)
    throw snapshotDamaged(path, offset, 'checksum of a block is wrong');
  // A length that is cut off or wrong is the next block's trouble: this one is good.
  const next = bytes.length < size + LENGTH_BYTES ? undefined : new ByteReader(bytes, size).uint32();
  return { data, end: next === undefined || next > BLOCK_BYTES_MAX ? end : { ...end, length: next } };
}

/** Reads everything and keeps nothing. */
export async function verifySnapshotFile(fileSystem: FileSystem, path: string): Promise<void> {
  for await (const _ of readSnapshotFile(fileSystem, path));
}

async function readHeader(file: OpenFile, path: string): Promise<{ header: SnapshotHeader; bytes: number }> {
  const start = await readAt(file, path, 0, SNAPSHOT_HEADER_BYTES_MAX);
  const result = decodeSnapshotHeader(start);
  if ('header' in result) return result;
  if (result.problem === 'damaged') throw snapshotDamaged(path, 0, 'header is bad');
  const message =
    `Snapshot file "${path}" has format version ${result.version}, this program knows ${SNAPSHOT_FORMAT_VERSION}. ` +
    'Start the version of the program that wrote it, or a newer one';
  throw new StorageError('CELL_E_UNSUPPORTED_FORMAT', message, { file: path });
}

function blockLength(path: string, position: number, prefix: Uint8Array): number {
  if (prefix.length < LENGTH_BYTES) throw snapshotDamaged(path, position, 'file ends before its end mark');
  const length = new ByteReader(prefix).uint32();
  if (length > BLOCK_BYTES_MAX) throw snapshotDamaged(path, position, 'length of a block is wrong');
  return length;
}

async function assertTrailer(file: OpenFile, path: string, { offset, crc, total }: BlockPosition): Promise<void> {
  const trailer = await readAt(file, path, offset, TRAILER_BYTES + 1);
  if (trailer.length !== TRAILER_BYTES || decodeTrailer(trailer, crc) !== total) {
    throw snapshotDamaged(path, offset, 'end mark is bad');
  }
}

async function openFile(fileSystem: FileSystem, path: string): Promise<OpenFile> {
  return onDisk('open', path, fileSystem.open(path, 'read'));
}

async function readAt(file: OpenFile, path: string, position: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length);
  const count = await onDisk('read', path, readFully(file, into, position));
  return into.subarray(0, count);
}
