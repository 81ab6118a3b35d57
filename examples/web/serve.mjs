/** Serves the files of one folder over HTTP: node serve.mjs --port 8080 --directory files [--host 127.0.0.1] */
import { createReadStream } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';

const REQUEST_MS_MAX = 10_000;
const CONNECTIONS_MAX = 256;
const contentTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    host: { type: 'string', default: '127.0.0.1' },
    directory: { type: 'string', default: '.' },
  },
});
const root = await realpath(values.directory);

async function answer(request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, { allow: 'GET, HEAD' });
  const path = decodedPath(request.url ?? '/');
  if (path === undefined) return end(response, 400);
  if (path === '/healthz') return end(response, 200);
  // Links are followed before the check, so that none leads out of the folder.
  const file = await realpath(join(root, path.endsWith('/') ? `${path}index.html` : path)).catch(() => undefined);
  if (file === undefined || !file.startsWith(root === sep ? root : root + sep)) return end(response, 404);
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return end(response, 404);
  try {
    await answerFile(request, response, file, handle);
  } finally {
    await handle.close();
  }
}

async function answerFile(request, response, file, handle) {
  const stats = await handle.stat();
  if (!stats.isFile()) return end(response, 404);
  const type = contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type, 'content-length': stats.size, 'x-content-type-options': 'nosniff' });
  if (request.method === 'HEAD' || stats.size === 0) return void response.end();
  // No further than the length that was announced, should the file grow meanwhile.
  await pipeline(createReadStream(file, { fd: handle, autoClose: false, start: 0, end: stats.size - 1 }), response);
}

function decodedPath(url) {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '/');
    return path.startsWith('/') && !path.includes('\0') ? path : undefined;
  } catch {
    return undefined;
  }
}

function end(response, status, headers = {}) {
  response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(`${status === 200 ? 'ok' : status}\n`);
}

const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (request, response) => {
  answer(request, response).catch((error) => {
    process.stderr.write(`${request.method} ${request.url}: ${String(error)}\n`);
    if (response.headersSent) response.destroy();
    else end(response, 500);
  });
});
server.maxConnections = CONNECTIONS_MAX;
server.listen(Number(values.port), values.host, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  process.stdout.write(`Serving ${root} on http://${values.host}:${port}\n`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
