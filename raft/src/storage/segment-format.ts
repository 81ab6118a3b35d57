/**
 * How a log segment looks on disk. All numbers are little-endian.
 *
 * A segment is preallocated with zeros, so a commit changes no metadata: one write and one fdatasync.
 *
 *     header block of 512 bytes | frame | frame | … | zeros
 *
 * A frame is one durable step. Frames start at multiples of 32 bytes, so a frame header never straddles two disk
 * sectors: it is there or it isn't.
 *
 *     0  uint32  magic
 *     4  uint32  bytes of payload
 *     8  uint32  sequence, low 32 bits         consecutive over all segments
 *    12  uint32  sequence, high bits
 *    16  uint32  CRC-32 of all behind the frame header: payload, end mark, padding
 *    20  uint32  kind, see `FRAME_KINDS`
 *    24  uint32  CRC-32 of bytes 0–23
 *    28  uint32  end mark: never 0, so a header cut short by a crash differs from one that was damaged
 *    32  payload, then uint32 end mark, then zeros up to a multiple of 32
 *
 * Both CRCs start from the segment's salt instead of 0: a frame of another segment is never valid here.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, type ByteWriter, CodecError, readHardState, writeHardState } from '../codec/index.ts';
import type { HardState } from '../core/types.ts';

export const LOG_FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 512;
export const FRAME_HEADER_BYTES = 32;
export const FRAME_ALIGNMENT_BYTES = 32;
export const FRAME_TRAILER_BYTES = 4;

/** Bytes of one frame: far above the core's limit on what may be uncommitted. */
export const FRAME_BYTES_MAX = 256 * 1024 * 1024;

const SEGMENT_MAGIC = 'CELLLOG\n';
const FRAME_MAGIC = 0x4d415246;
/** Its last byte on disk is not 0. */
const END_MARK = 0x5ec0ded1;
const CLUSTER_ID_BYTES_MAX = 128;

/** batch: entries or hard state; install: a received snapshot replaces the log; seal: another segment follows. */
export type FrameKind = 'batch' | 'install' | 'seal' | 'founding';

const FRAME_KINDS: readonly (FrameKind | undefined)[] = [undefined, 'batch', 'install', 'seal', 'founding'];

/** Who wrote the data. Data of anyone else is refused. */
export interface StoreIdentity {
  /** At most 128 bytes. */
  readonly clusterId: string;
  readonly nodeId: number;
}

export interface SegmentHeader {
  readonly identity: StoreIdentity;
  /** Segments are numbered from 1 without gaps. */
  readonly number: number;
  readonly firstSequence: number;
  /** What was in force when the segment was begun, so that the ones before can be deleted. */
  readonly hardState: HardState;
  /** The last entry before this segment. */
  readonly previousIndex: number;
  readonly previousTerm: number;
  /** Bytes of the whole file. */
  readonly sizeBytes: number;
}

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly sequence: number;
  readonly payloadBytes: number;
  readonly bodyCrc: number;
}

/** Bytes of a whole frame, padding included. */
export function frameBytes(payloadBytes: number): number {
  const bytes = FRAME_HEADER_BYTES + payloadBytes + FRAME_TRAILER_BYTES;
  return Math.ceil(bytes / FRAME_ALIGNMENT_BYTES) * FRAME_ALIGNMENT_BYTES;
}

/** The salt of a segment's checksums. */
export function segmentSalt(header: Pick<SegmentHeader, 'identity' | 'number'>): number {
  return crc32(`${header.identity.clusterId}/${header.identity.nodeId}/${header.number}`);
}

/** Layout of the header block: magic, version, CRC of all but itself, fields; zeros up to 512. */
export function encodeSegmentHeader(writer: ByteWriter, header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const clusterId = new TextEncoder().encode(header.identity.clusterId);
  if (clusterId.length > CLUSTER_ID_BYTES_MAX)
    throw new RangeError(`Cluster id is above ${CLUSTER_ID_BYTES_MAX} bytes`);
  writer.reset();
  writer.raw(new TextEncoder().encode(SEGMENT_MAGIC));
  writer.uint32(LOG_FORMAT_VERSION);
  writer.uint32(0);
  writer.bytes(clusterId);
  writer.varint(header.identity.nodeId);
  writer.varint(header.number);
  writer.varint(header.firstSequence);
  writeHardState(writer, header.hardState);
  writer.varint(header.previousIndex);
  writer.varint(header.previousTerm);
  writer.varint(header.sizeBytes);
  writer.zeros(SEGMENT_HEADER_BYTES - writer.length);
  writer.patchUint32(12, headerCrc(writer.view()));
  return writer.copy();
}

export type HeaderProblem = { readonly problem: 'version'; readonly version: number } | { readonly problem: 'damaged' };

export function decodeSegmentHeader(block: Uint8Array): SegmentHeader | HeaderProblem {
  if (block.length < SEGMENT_HEADER_BYTES) return { problem: 'damaged' };
  const reader = new ByteReader(block, 0, SEGMENT_HEADER_BYTES);
  if (new TextDecoder('latin1').decode(reader.raw(8)) !== SEGMENT_MAGIC) return { problem: 'damaged' };
  const version = reader.uint32();
  const crc = reader.uint32();
  // Before the version is judged: up to here and in size the layout is the same in every version.
  if (headerCrc(block) !== crc) return { problem: 'damaged' };
  if (version !== LOG_FORMAT_VERSION) return { problem: 'version', version };
  try {
    return {
      identity: { clusterId: new TextDecoder().decode(reader.bytes(CLUSTER_ID_BYTES_MAX)), nodeId: reader.varint() },
      number: reader.varint(),
      firstSequence: reader.varint(),
      hardState: readHardState(reader),
      previousIndex: reader.varint(),
      previousTerm: reader.varint(),
      sizeBytes: reader.varint(),
    };
  } catch (error) {
    if (error instanceof CodecError) return { problem: 'damaged' };
    throw error;
  }
}

function headerCrc(block: Uint8Array): number {
  return crc32(block.subarray(16, SEGMENT_HEADER_BYTES), crc32(block.subarray(0, 12)));
}

/** Starts a frame: the payload is written behind it, then comes `endFrame`. */
export function beginFrame(writer: ByteWriter): void {
  writer.reset();
  writer.zeros(FRAME_HEADER_BYTES);
}

export function endFrame(writer: ByteWriter, kind: FrameKind, sequence: number, salt: number): Uint8Array<ArrayBuffer> {
  const payloadBytes = writer.length - FRAME_HEADER_BYTES;
  writer.uint32(END_MARK);
  writer.zeros(frameBytes(payloadBytes) - writer.length);
  const frame = writer.view();
  writer.patchUint32(0, FRAME_MAGIC);
  writer.patchUint32(4, payloadBytes);
  writer.patchUint32(8, sequence % 2 ** 32);
  writer.patchUint32(12, Math.floor(sequence / 2 ** 32));
  writer.patchUint32(16, crc32(frame.subarray(FRAME_HEADER_BYTES), salt));
  writer.patchUint32(20, FRAME_KINDS.indexOf(kind));
  writer.patchUint32(24, crc32(frame.subarray(0, 24), salt));
  writer.patchUint32(28, END_MARK);
  return frame;
}

/** The frame header at `offset`, or undefined if none is valid there. */
export function decodeFrameHeader(segment: Uint8Array, offset: number, salt: number): FrameHeader | undefined {
  if (offset + FRAME_HEADER_BYTES > segment.length) return undefined;
  const reader = new ByteReader(segment, offset, offset + FRAME_HEADER_BYTES);
  if (reader.uint32() !== FRAME_MAGIC) return undefined;
  const payloadBytes = reader.uint32();
  const sequence = reader.uint32() + reader.uint32() * 2 ** 32;
  const bodyCrc = reader.uint32();
  const kind = FRAME_KINDS[reader.uint32()];
  if (reader.uint32() !== crc32(segment.subarray(offset, offset + 24), salt)) return undefined;
  if (reader.uint32() !== END_MARK || kind === undefined) return undefined;
  return { kind, sequence, payloadBytes, bodyCrc };
}

/** True if all behind the header is as it was written. */
export function isBodyValid(segment: Uint8Array, offset: number, header: FrameHeader, salt: number): boolean {
  const end = offset + frameBytes(header.payloadBytes);
  return end <= segment.length && crc32(segment.subarray(offset + FRAME_HEADER_BYTES, end), salt) === header.bodyCrc;
}

/**
 * True if a bad frame at `offset` may be a write that a crash cut short: something that should not be zero still is,
 * as it was preallocated. Otherwise all of it had been written, and it was changed since.
 */
export function isTorn(segment: Uint8Array, offset: number, header: FrameHeader | undefined): boolean {
  const headerEnd = offset + FRAME_HEADER_BYTES;
  if (headerEnd > segment.length) return true;
  if (header === undefined) return segment[headerEnd - 1] === 0;
  const end = headerEnd + header.payloadBytes + FRAME_TRAILER_BYTES;
  if (end > segment.length || segment[end - 1] === 0) return true;
  // A disk may write sectors in any order, but each as a whole.
  for (let from = offset; from < end; from = nextSector(from)) {
    if (isZero(segment, from, Math.min(nextSector(from), end))) return true;
  }
  return false;
}

export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i] !== 0) return false;
  return true;
}

function nextSector(offset: number): number {
  return (Math.floor(offset / 512) + 1) * 512;
}
