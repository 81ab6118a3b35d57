import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { DescMethod } from '@bufbuild/protobuf';
import { type Credentials, SERVER_NAME } from '@cell/identity';
import { methodDefinition } from '@cell/proto';

export interface Coming {
  readonly port: number;
  /** Any loopback address is this machine, and members take each for another one. Default 127.0.0.1. */
  readonly from?: string;
  readonly credentials?: Credentials | undefined;
}

/** What came of a call: "ok", the member's code, "grpc-status N" without one, "broken" or "silence". */
export interface Outcome {
  readonly code: string;
  readonly message: string;
}

const ANSWER_MS_MAX = 20_000;

/** A gRPC client that says anything: it trusts everybody, never tries again, and takes any bytes for a message. */
export class RawCaller {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open(coming: Coming): Promise<RawCaller> {
    return RawCaller.over(await openTls(coming));
  }

  static over(socket: TLSSocket): RawCaller {
    const session = connect(`https://${SERVER_NAME}`, { createConnection: () => socket });
    session.on('error', () => {});
    return new RawCaller(session);
  }

  get ended(): boolean {
    return this.#session.destroyed || this.#session.closed;
  }

  /** `message`: as it shall be on the wire; default: an empty one. */
  call(method: DescMethod, metadata: Metadata = {}, message: Uint8Array = Buffer.alloc(0)): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => resolve({ code: 'silence', message: '' }), ANSWER_MS_MAX);
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headersOf(method, metadata));
    } catch (error) {
      settle({ code: 'broken', message: String(error) });
      return promise;
    }
    stream.on('error', (error) => settle({ code: 'broken', message: error.message }));
    stream.on('response', (headers) => said(headers, settle));
    stream.on('trailers', (headers) => said(headers, settle));
    stream.on('close', () => settle({ code: 'broken', message: `HTTP/2 error ${stream.rstCode}` }));
    stream.resume();
    stream.end(framed(message));
    return promise;
  }

  /** A call that has not said yet what it asks for; the caller does with it what it likes. */
  begin(method: DescMethod, metadata: Metadata = {}): ClientHttp2Stream {
    const stream = this.#session.request(headersOf(method, metadata), { endStream: false });
    stream.on('error', () => {});
    stream.resume();
    return stream;
  }

  /** The code alone. */
  async code(...call: Parameters<RawCaller['call']>): Promise<string> {
    return (await this.call(...call)).code;
  }

  /** The code of each method, for an empty message. */
  async codes(methods: readonly DescMethod[], metadata: Metadata = {}): Promise<Record<string, string>> {
    const pairs = methods.map(async (method) => [method.name, await this.code(method, metadata)] as const);
    return Object.fromEntries(await Promise.all(pairs));
  }

  close(): void {
    this.#session.destroy();
  }
}

export type Metadata = Readonly<Record<string, string>>;

/** For one call. */
export async function calling(coming: Coming, ...call: Parameters<RawCaller['call']>): Promise<Outcome> {
  const caller = await RawCaller.open(coming);
  try {
    return await caller.call(...call);
  } finally {
    caller.close();
  }
}

/** A connection over TLS, for HTTP/2; rejects if it is refused. */
export async function openTls({ port, from = '127.0.0.1', credentials }: Coming): Promise<TLSSocket> {
  const options: ConnectionOptions & { readonly localAddress: string } = {
    host: '127.0.0.1',
    port,
    localAddress: from,
    servername: SERVER_NAME,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
    ...(credentials === undefined ? {} : { key: credentials.privateKey, cert: credentials.chain }),
  };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  // What comes later is told by its end.
  socket.on('error', () => {});
  return socket;
}

export function bearer(token: string): Metadata {
  return { authorization: `Bearer ${token}` };
}

/** A message as gRPC has it on the wire. */
export function framed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function headersOf(method: DescMethod, metadata: Metadata) {
  return {
    ':method': 'POST',
    ':path': methodDefinition(method).path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...metadata,
  };
}

function said(headers: IncomingHttpHeaders, settle: (outcome: Outcome) => void): void {
  const status = headers['grpc-status'];
  if (status === undefined) return;
  const message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
  const code = headers['cell-error-code'] ?? (status === '0' ? 'ok' : `grpc-status ${String(status)}`);
  settle({ code: String(code), message });
}
