/** The beginning of a connection as a gRPC client makes it (RFC 9113, and RFC 7541 without any compression). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const FRAME_TYPES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, window: 8, continuation: 9 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

export function frame(type: keyof typeof FRAME_TYPES, flags: number, stream: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head[3] = FRAME_TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

/** Each as a literal that is not kept: names and values below 127 bytes. */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return Buffer.concat(parts);
}

/** One call with one message, all that is needed of it. */
export function callFrames(path: string, message: Uint8Array, token: string): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'https',
    ':path': path,
    ':authority': 'control-plane.cell',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '2S',
    authorization: `Bearer ${token}`.slice(0, 120),
  };
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([
    frame('headers', END_HEADERS, 1, headerBlock(headers)),
    frame('data', END_STREAM, 1, Buffer.concat([prefix, message])),
  ]);
}

/** Good connections; what comes before the first call is the same in all. */
export function goodConnections(token: string): readonly Buffer[] {
  const begin = Buffer.concat([PREFACE, frame('settings', 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))]);
  const status = callFrames('/cell.v1.FleetService/GetFleetStatus', Buffer.alloc(0), token);
  const job = callFrames('/cell.v1.JobService/GetJob', Buffer.from([0x0a, 3, 0x77, 0x65, 0x62]), token);
  const join = callFrames('/cell.v1.AgentService/Join', Buffer.from([0x0a, 1, 0x61]), '');
  const noise = [
    frame('ping', 0, 0, Buffer.alloc(8)),
    frame('window', 0, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    frame('reset', 0, 1, Buffer.alloc(4)),
    frame('continuation', END_HEADERS, 1, headerBlock({ a: 'b' })),
  ];
  return [
    Buffer.concat([begin, status]),
    Buffer.concat([begin, job, ...noise]),
    Buffer.concat([begin, noise[0]!, join, status]),
  ];
}
