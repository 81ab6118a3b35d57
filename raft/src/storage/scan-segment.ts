import { ByteReader, CodecError } from '../codec/index.ts';
import { type FramePayload, readFramePayload } from './frame-payload.ts';
import {
  decodeFrameHeader,
  FRAME_ALIGNMENT_BYTES,
  FRAME_HEADER_BYTES,
  type FrameKind,
  frameBytes,
  isBodyValid,
  isTorn,
  isZero,
  SEGMENT_HEADER_BYTES,
} from './segment-format.ts';
import { logDamaged } from './storage-error.ts';

export interface ScanInput {
  /** For messages. */
  readonly file: string;
  /** The whole segment; a shorter file is filled up with zeros. */
  readonly segment: Uint8Array;
  readonly salt: number;
  readonly firstSequence: number;
  readonly onFrame: (kind: FrameKind, payload: FramePayload, offset: number) => void;
}

export interface ScanResult {
  /** Where the next frame goes. */
  readonly endOffset: number;
  readonly nextSequence: number;
  readonly sealed: boolean;
  /** True if something unfinished lies at `endOffset`, which must be overwritten with zeros. */
  readonly torn: boolean;
}

/**
 * Reads a segment's frames in order and says how it ends. What is not a frame is one of three things: zeros (the
 * end), a write that a crash cut short (the end too), or damage, which is an error.
 * Whether a log may end here is the caller's to judge.
 */
export function scanSegment(input: ScanInput): ScanResult {
  const { segment, salt, file } = input;
  let offset = SEGMENT_HEADER_BYTES;
  let sequence = input.firstSequence;
  let sealed = false;
  for (;;) {
    const header = decodeFrameHeader(segment, offset, salt);
    if (header === undefined || !isBodyValid(segment, offset, header, salt)) break;
    if (header.sequence !== sequence) {
      throw logDamaged(file, offset, `frame ${header.sequence} stands where frame ${sequence} belongs`);
    }
    if (sealed) throw logDamaged(file, offset, 'a frame stands behind the end of the segment');
    const payload = decodePayload(input, offset, header.payloadBytes);
    input.onFrame(header.kind, payload, offset);
    sealed = header.kind === 'seal';
    offset += frameBytes(header.payloadBytes);
    sequence += 1;
  }
  const torn = !isZero(segment, offset, segment.length);
  if (torn) assertTorn(input, offset, sequence);
  return { endOffset: offset, nextSequence: sequence, sealed, torn };
}

function assertTorn(input: ScanInput, offset: number, sequence: number): void {
  const { segment, salt, file } = input;
  const later = findFrame(segment, offset + FRAME_ALIGNMENT_BYTES, salt, sequence);
  if (later !== undefined) {
    throw logDamaged(file, offset, `frame ${sequence} is bad, but a good one follows at byte ${later}`);
  }
  if (!isTorn(segment, offset, decodeFrameHeader(segment, offset, salt))) {
    throw logDamaged(file, offset, `frame ${sequence} was written in full and has changed since`);
  }
}

/** Offset of the first good frame at or behind `from` that is numbered `sequenceMin` or higher. */
function findFrame(segment: Uint8Array, from: number, salt: number, sequenceMin: number): number | undefined {
  for (let offset = from; offset < segment.length; offset += FRAME_ALIGNMENT_BYTES) {
    if (segment[offset] === 0) continue;
    const header = decodeFrameHeader(segment, offset, salt);
    if (header === undefined || header.sequence < sequenceMin) continue;
    if (isBodyValid(segment, offset, header, salt)) return offset;
  }
  return undefined;
}

function decodePayload(input: ScanInput, offset: number, payloadBytes: number): FramePayload {
  const start = offset + FRAME_HEADER_BYTES;
  try {
    return readFramePayload(new ByteReader(input.segment, start, start + payloadBytes));
  } catch (error) {
    if (error instanceof CodecError)
      throw logDamaged(input.file, offset, `frame has a wrong content (${error.message})`);
    throw error;
  }
}
