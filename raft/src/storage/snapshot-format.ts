/**
 * How a snapshot file looks. All numbers are little-endian.
 *
 *     0   "CELLSNAP", uint32 version, uint32 bytes of the header's fields, fields (cluster id, meta), uint32 CRC-32
 *         of all before
 *     …   blocks: uint32 bytes of data (at least 1), uint32 CRC-32, data
 *     end uint32 0, uint32 CRC-32 of all data, varint total bytes of data padded to 8 bytes, uint32 CRC-32 of these 16
 *
 * A block's CRC goes on from the block before: blocks that are missing, repeated or moved are noticed where it happens.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, CodecError, readSnapshotMeta, writeSnapshotMeta } from '../codec/index.ts';
import type { SnapshotMeta } from '../core/types.ts';

export const SNAPSHOT_FORMAT_VERSION = 1;
export const BLOCK_BYTES_MAX = 1024 * 1024;
export const BLOCK_HEADER_BYTES = 8;
export const TRAILER_BYTES = 20;
export const SNAPSHOT_HEADER_BYTES_MAX = 64 * 1024;

const MAGIC = 'CELLSNAP';
const PREFIX_BYTES = 16;

export interface SnapshotHeader {
  readonly clusterId: string;
  readonly meta: SnapshotMeta;
}

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.raw(new TextEncoder().encode(MAGIC));
  writer.uint32(SNAPSHOT_FORMAT_VERSION);
  writer.uint32(0);
  writer.bytes(new TextEncoder().encode(header.clusterId));
  writeSnapshotMeta(writer, header.meta);
  writer.patchUint32(12, writer.length - PREFIX_BYTES);
  writer.uint32(crc32(writer.view()));
  return writer.copy();
}

export type SnapshotHeaderResult =
  | { readonly header: SnapshotHeader; readonly bytes: number }
  | { readonly problem: 'version'; readonly version: number }
  | { readonly problem: 'damaged' };

/** `start` is the file's beginning, at least `SNAPSHOT_HEADER_BYTES_MAX` of it if it is that long. */
export function decodeSnapshotHeader(start: Uint8Array): SnapshotHeaderResult {
  try {
    const reader = new ByteReader(start);
    if (new TextDecoder('latin1').decode(reader.raw(8)) !== MAGIC) return { problem: 'damaged' };
    const version = reader.uint32();
    const end = PREFIX_BYTES + reader.uint32();
    if (end + 4 > start.length || new ByteReader(start, end, end + 4).uint32() !== crc32(start.subarray(0, end))) {
      return { problem: 'damaged' };
    }
    if (version !== SNAPSHOT_FORMAT_VERSION) return { problem: 'version', version };
    const fields = new ByteReader(start, PREFIX_BYTES, end);
    const header = { clusterId: new TextDecoder().decode(fields.bytes(end)), meta: readSnapshotMeta(fields) };
    fields.finish();
    return { header, bytes: end + 4 };
  } catch (error) {
    if (error instanceof CodecError) return { problem: 'damaged' };
    throw error;
  }
}

export function encodeBlockHeader(bytes: number, crc: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(BLOCK_HEADER_BYTES);
  writer.uint32(bytes);
  writer.uint32(crc);
  return writer.copy();
}

export function encodeTrailer(totalBytes: number, dataCrc: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(TRAILER_BYTES);
  writer.uint32(0);
  writer.uint32(dataCrc);
  writer.varint(totalBytes);
  writer.zeros(16 - writer.length);
  writer.uint32(crc32(writer.view()));
  return writer.copy();
}

/** The total of a trailer that is whole and carries `dataCrc`; else undefined. */
export function decodeTrailer(trailer: Uint8Array, dataCrc: number): number | undefined {
  const totalBytes = trailer.length >= TRAILER_BYTES ? totalOf(trailer) : undefined;
  if (totalBytes === undefined) return undefined;
  const expected = encodeTrailer(totalBytes, dataCrc);
  return expected.every((byte, i) => byte === trailer[i]) ? totalBytes : undefined;
}

function totalOf(trailer: Uint8Array): number | undefined {
  try {
    return new ByteReader(trailer, 8, 16).varint();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
