/**
 * Puts right what guards a file's content, after the content was changed: so its readers see the change, and not only that
 * there was one. Written from the layouts in `raft/src/storage/segment-format.ts` and `snapshot-format.ts`, apart from the
 * code that they describe.
 */
import { crc32 } from 'node:zlib';

const SEGMENT_HEADER_BYTES = 512;
const FRAME_HEADER_BYTES = 32;
const FRAME_MAGIC = 0x4d415246;
const END_MARK = 0x5ec0ded1;
const ALIGNMENT_BYTES = 32;
const BLOCK_BYTES_MAX = 1024 * 1024;

/** What a log segment holds between checksums. */
export interface Segment {
  /** 512 bytes. */
  header: Buffer;
  readonly frames: { kind: number; sequence: number; payload: Buffer }[];
}

/** Of a sound one. */
export function openSegment(bytes: Uint8Array): Segment {
  const all = Buffer.from(bytes);
  const frames: Segment['frames'] = [];
  let at = SEGMENT_HEADER_BYTES;
  while (at + FRAME_HEADER_BYTES <= all.length && all.readUInt32LE(at) === FRAME_MAGIC) {
    const length = all.readUInt32LE(at + 4);
    const payload = all.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length);
    frames.push({ kind: all.readUInt32LE(at + 20), sequence: all.readUInt32LE(at + 8), payload });
    at += frameBytes(length);
  }
  return { header: all.subarray(0, SEGMENT_HEADER_BYTES), frames };
}

/** `salt`: "<cluster>/<member>/<number of the segment>". */
export function sealSegment({ header, frames }: Segment, salt: string): Buffer {
  const sealed = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.copy(sealed);
  sealed.writeUInt32LE(crc32(sealed.subarray(16), crc32(sealed.subarray(0, 12))), 12);
  return Buffer.concat([sealed, ...frames.map((frame) => sealFrame(frame, crc32(salt)))]);
}

function sealFrame({ kind, sequence, payload }: Segment['frames'][number], salt: number): Buffer {
  const frame = Buffer.alloc(frameBytes(payload.length));
  payload.copy(frame, FRAME_HEADER_BYTES);
  frame.writeUInt32LE(END_MARK, FRAME_HEADER_BYTES + payload.length);
  const fields = [FRAME_MAGIC, payload.length, sequence, 0, crc32(frame.subarray(FRAME_HEADER_BYTES), salt), kind];
  for (const [place, field] of fields.entries()) frame.writeUInt32LE(field, place * 4);
  frame.writeUInt32LE(crc32(frame.subarray(0, 24), salt), 24);
  frame.writeUInt32LE(END_MARK, 28);
  return frame;
}

function frameBytes(payloadBytes: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + payloadBytes + 4) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** What a snapshot file holds between checksums: the header's fields, and data. */
export interface SnapshotFile {
  fields: Buffer;
  data: Buffer;
}

const PREFIX_BYTES = 16;
const BLOCK_HEADER_BYTES = 8;

/** Of a sound one. */
export function openSnapshotFile(bytes: Uint8Array): SnapshotFile {
  const all = Buffer.from(bytes);
  const end = PREFIX_BYTES + all.readUInt32LE(12);
  const data: Buffer[] = [];
  let at = end + 4;
  for (let length = all.readUInt32LE(at); length > 0; length = all.readUInt32LE(at)) {
    data.push(all.subarray(at + BLOCK_HEADER_BYTES, at + BLOCK_HEADER_BYTES + length));
    at += BLOCK_HEADER_BYTES + length;
  }
  return { fields: all.subarray(PREFIX_BYTES, end), data: Buffer.concat(data) };
}

export function sealSnapshotFile({ fields, data }: SnapshotFile): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write('CELLSNAP', 'latin1');
  prefix.writeUInt32LE(1, 8);
  prefix.writeUInt32LE(fields.length, 12);
  const head = Buffer.concat([prefix, fields]);
  const blocks: Buffer[] = [];
  let crc = 0;
  for (let at = 0; at < data.length; at += BLOCK_BYTES_MAX) {
    const block = data.subarray(at, at + BLOCK_BYTES_MAX);
    crc = crc32(block, crc);
    blocks.push(numbers(block.length, crc), block);
  }
  const total = Buffer.alloc(8);
  let rest = data.length;
  let place = 0;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) total[place++] = (rest % 128) + 0x80;
  total[place] = rest;
  const trailer = Buffer.concat([numbers(0, crc), total]);
  return Buffer.concat([head, numbers(crc32(head)), ...blocks, trailer, numbers(crc32(trailer))]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [place, value] of values.entries()) bytes.writeUInt32LE(value, place * 4);
  return bytes;
}
