/** Bytes of HTTP/2 (RFC 9113), right and wrong. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 } as const;
export const FLAG = { endStream: 1, endHeaders: 4 } as const;

export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** What a client begins with. */
export const GREETING = Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]);

/** Fields of a header as literals that nobody remembers (RFC 7541, section 6.2.2); each shorter than 127 bytes. */
export function fields(pairs: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(Object.entries(pairs).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The header of a call of gRPC. */
export function callFields(path: string): Buffer {
  return fields({
    ':method': 'POST',
    ':scheme': 'https',
    ':path': path,
    ':authority': 'control-plane.cell',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
}
