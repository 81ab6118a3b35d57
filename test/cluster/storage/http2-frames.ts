/** As much of HTTP/2 (RFC 9113) and of gRPC's framing as it takes to see messages in what goes through a socket. */
export interface Frame {
  readonly type: 'data' | 'headers' | 'other';
  readonly streamId: number;
  readonly payload: Buffer;
}

const FRAME_HEADER_BYTES = 9;
const MESSAGE_HEADER_BYTES = 5;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Puts frames together from pieces, which may be cut anywhere. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(piece: Buffer): Frame[] {
    let bytes = Buffer.concat([this.#pending, piece]);
    if (bytes.subarray(0, PREFACE.length).equals(PREFACE)) bytes = bytes.subarray(PREFACE.length);
    const frames: Frame[] = [];
    while (bytes.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      const type = bytes[3] === 0 ? 'data' : bytes[3] === 1 ? 'headers' : 'other';
      frames.push({
        type,
        streamId: bytes.readUInt32BE(5) % 2 ** 31,
        payload: bytes.subarray(FRAME_HEADER_BYTES, end),
      });
      bytes = bytes.subarray(end);
    }
    this.#pending = bytes;
    return frames;
  }
}

/** The gRPC messages in the data of each stream. */
export class MessageReader {
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Buffer>();

  push(piece: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    for (const { type, streamId, payload } of this.#frames.push(piece)) {
      if (type !== 'data') continue;
      let bytes = Buffer.concat([this.#pending.get(streamId) ?? Buffer.alloc(0), payload]);
      while (bytes.length >= MESSAGE_HEADER_BYTES) {
        const end = MESSAGE_HEADER_BYTES + bytes.readUInt32BE(1);
        if (bytes.length < end) break;
        messages.push(bytes.subarray(MESSAGE_HEADER_BYTES, end));
        bytes = bytes.subarray(end);
      }
      this.#pending.set(streamId, bytes);
    }
    return messages;
  }
}
