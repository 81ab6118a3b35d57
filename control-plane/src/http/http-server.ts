import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type HttpAccess, limitPerAddress } from '@cell/config';
import { CellError } from '../cell-error.ts';

/** What a path answers. */
export interface HttpAnswer {
  readonly status: 200 | 500 | 503;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpRoute {
  /** Whether anybody may ask, wherever from: for what says nothing of the fleet. */
  readonly open: boolean;
  answer(): HttpAnswer | Promise<HttpAnswer>;
}

export interface HttpServerParts {
  readonly host: string;
  readonly port: number;
  /** By path; only GET and HEAD come through. */
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Why somebody may not see the routes that are not open: a sentence; undefined if he may. */
  readonly refusal: HttpAccess['refusal'];
  /** Told of routes that threw. */
  readonly onError: (error: unknown, path: string) => void;
}

export interface HttpServer {
  readonly port: number;
  /** Ends open connections too. */
  stop(): Promise<void>;
}

// An import statement reads all that the module exports, and some of that loads a web client: 15 MB of memory.
const { createServer } = process.getBuiltinModule('node:http');

const CONNECTIONS_MAX = 256;
/** So that one machine can't take them all. */
const CONNECTIONS_PER_ADDRESS_MAX = 32;
const HEADER_BYTES_MAX = 8 * 1024;
const HEADERS_MS_MAX = 5000;
const REQUEST_MS_MAX = 10_000;
const IDLE_MS_MAX = 30_000;
/** How often connections are looked at that take too long. */
const LOOK_PERIOD_MS = 1000;

/** Serves a few small pages to machines. Rejects with `CELL_E_ADDRESS_IN_USE`. */
export function startHttpServer(parts: HttpServerParts): Promise<HttpServer> {
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    connectionsCheckingInterval: LOOK_PERIOD_MS,
  };
  const server = createServer(limits, (request, response) => {
    // What a request brings along is of no interest, but must not stay in the socket.
    request.resume();
    respond(parts, request, response).catch((error: unknown) => {
      parts.onError(error, request.url ?? '');
      send(request, response, { status: 500, contentType: TEXT, body: 'The server failed; its log tells why\n' });
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  limitPerAddress(server, CONNECTIONS_PER_ADDRESS_MAX);
  return listen(server, parts);
}

function listen(server: Server, { host, port }: HttpServerParts): Promise<HttpServer> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, `${host}:${port}`)));
    server.listen({ host, port }, () => {
      const bound = server.address();
      resolve({ port: typeof bound === 'object' && bound !== null ? bound.port : port, stop: () => close(server) });
    });
  });
}

function listenError(error: NodeJS.ErrnoException, address: string): Error {
  if (error.code !== 'EADDRINUSE') {
    return new CellError('CELL_E_CONFIG', `Cannot listen on "${address}" (listen.http): ${error.message}`, {
      cause: error,
    });
  }
  const message = `Cannot listen on "${address}" (listen.http): another process does. Stop it, or change listen.http`;
  return new CellError('CELL_E_ADDRESS_IN_USE', message, { cause: error });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const TEXT = 'text/plain; charset=utf-8';

async function respond(parts: HttpServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = parts.routes.get((request.url ?? '').split('?', 1)[0]!);
  if (route === undefined) {
    const known = [...parts.routes.keys()].join(' ');
    send(request, response, { status: 404, contentType: TEXT, body: `Not found. There are: ${known}\n` });
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(request, response, { status: 405, contentType: TEXT, body: 'Only GET and HEAD are allowed\n' });
  } else {
    const { remoteAddress, localAddress } = request.socket;
    const { authorization } = request.headers;
    const refusal = route.open ? undefined : parts.refusal(remoteAddress, authorization, localAddress);
    if (refusal === undefined) send(request, response, await route.answer());
    else send(request, response, { status: 403, contentType: TEXT, body: `${refusal}\n` });
  }
}

type AnyAnswer = Omit<HttpAnswer, 'status'> & { readonly status: number };

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: AnyAnswer): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
