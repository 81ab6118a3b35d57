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
  try {
    const { bytes } = await readHeader(file, path);
    let position = bytes;
    let crc = 0;
    let total = 0;
    for (;;) {
      const length = await readBlockLength(file, path, position);
      if (length === 0) break;
      const block = await readBlock(file, path, position, length);
      const data = block.subarray(BLOCK_HEADER_BYTES);
      crc = crc32(data, crc);
      if (new ByteReader(block, 4, 8).uint32() !== crc)
        throw snapshotDamaged(path, position, 'checksum of a block is wrong');
      position += block.length;
      total += length;
      yield data;
    }
    await assertTrailer(file, path, position, crc, total);
  } finally {
    await file.close();
  }
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

async function readBlockLength(file: OpenFile, path: string, position: number): Promise<number> {
  const prefix = await readAt(file, path, position, 4);
  if (prefix.length < 4) throw snapshotDamaged(path, position, 'file ends before its end mark');
  const length = new ByteReader(prefix).uint32();
  if (length > BLOCK_BYTES_MAX) throw snapshotDamaged(path, position, 'length of a block is wrong');
  return length;
}

async function readBlock(file: OpenFile, path: string, position: number, length: number): Promise<Uint8Array> {
  const block = await readAt(file, path, position, BLOCK_HEADER_BYTES + length);
  if (block.length < BLOCK_HEADER_BYTES + length) throw snapshotDamaged(path, position, 'file ends inside a block');
  return block;
}

async function assertTrailer(
  file: OpenFile,
  path: string,
  position: number,
  crc: number,
  total: number,
): Promise<void> {
  const trailer = await readAt(file, path, position, TRAILER_BYTES + 1);
  if (trailer.length !== TRAILER_BYTES || decodeTrailer(trailer, crc) !== total) {
    throw snapshotDamaged(path, position, 'end mark is bad');
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
