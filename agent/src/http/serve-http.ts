import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpAccess, joinAddress, limitPerAddress, splitAddress } from '@cell/config';
import type { Registry } from 'prom-client';
import { AgentError } from '../agent-error.ts';

export interface HttpSources {
  readonly metrics: Registry;
  /** Empty if the agent does its work, else why not: a sentence. */
  readonly notReady: () => string;
  /** Why somebody may not see the metrics: a sentence; undefined if he may. */
  readonly refusal: HttpAccess['refusal'];
}

export interface HttpServer {
  /** "host:port", with the port that the kernel chose where 0 was asked for. */
  readonly address: string;
  close(): Promise<void>;
}

// An import statement reads all that the module exports, and some of that loads a web client: 15 MB of memory.
const { createServer } = process.getBuiltinModule('node:http');

const HEADER_BYTES_MAX = 8 * 1024;
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 10_000;
/** How often connections are looked at that take too long. */
const LOOK_PERIOD_MS = 1_000;
const CONNECTIONS_MAX = 64;
/** So that one machine can't take them all. */
const CONNECTIONS_PER_ADDRESS_MAX = 16;

/** Serves /metrics, /livez and /readyz. Rejects with `CELL_E_ADDRESS_IN_USE` if somebody else listens there. */
export async function serveHttp(listen: string, sources: HttpSources): Promise<HttpServer> {
  const { host, port } = splitAddress(listen)!;
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: LOOK_PERIOD_MS,
  };
  const server = createServer(limits, (request, response) => {
    // What a request brings along is of no interest, but must not stay in the socket.
    request.resume();
    void answer(request, response, sources).catch(() => send(response, 500, 'Could not answer\n'));
  });
  server.maxConnections = CONNECTIONS_MAX;
  limitPerAddress(server, CONNECTIONS_PER_ADDRESS_MAX);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(listen, error)));
    server.listen(port, host, resolve);
  });
  return {
    address: joinAddress(host, (server.address() as AddressInfo).port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, sources: HttpSources): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const known = path === '/metrics' || path === '/livez' || path === '/readyz';
  if (!known) return send(response, 404, 'Not found; there are /metrics, /livez and /readyz\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'Use GET\n');
  }
  if (path === '/livez') return send(response, 200, 'ok\n');
  if (path === '/metrics') return answerMetrics(request, response, sources);
  const why = sources.notReady();
  return why === '' ? send(response, 200, 'ok\n') : send(response, 503, `${why}\n`);
}

async function answerMetrics(
  { socket, headers }: IncomingMessage,
  response: ServerResponse,
  { metrics, refusal }: HttpSources,
): Promise<void> {
  const why = refusal(socket.remoteAddress, headers.authorization, socket.localAddress);
  if (why !== undefined) return send(response, 403, `${why}\n`);
  send(response, 200, await metrics.metrics(), metrics.contentType);
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function listenError(listen: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE') {
    const message = `Could not listen on "${listen}": the address is in use; end what uses it, or set another "listen.http"`;
    return new AgentError('CELL_E_ADDRESS_IN_USE', message, { cause: error });
  }
  const message = `Could not listen on "${listen}": ${error.message}; set another "listen.http"`;
  return new AgentError('CELL_E_ADDRESS_UNUSABLE', message, { cause: error });
}
