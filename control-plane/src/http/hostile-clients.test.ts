/** Clients that take their time, say too much, or come in numbers: their connections end, and others are served. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from './http-server.ts';

const CONNECTIONS_PER_ADDRESS_MAX = 32;

let server: HttpServer;
let sockets: Socket[] = [];

beforeEach(async () => {
  const page = { open: true, answer: () => ({ status: 200, contentType: 'text/plain', body: 'ok' }) as const };
  const routes = new Map([['/livez', page]]);
  server = await startHttpServer({ host: '0.0.0.0', port: 0, routes, refusal: () => undefined, onError: () => {} });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.stop();
});

/** `from`: any loopback address is this machine, and the server takes each for another one. */
async function opened(from = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: from });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the connection ends, in whichever way: who still writes is reset. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

async function statusOf(from: string): Promise<string | undefined> {
  const socket = await opened(from);
  socket.write('GET /livez HTTP/1.1\r\nhost: cell\r\nconnection: close\r\n\r\n');
  return /^HTTP\/1\.1 (\d+)/.exec(await untilClosed(socket))?.[1];
}

test('who says nothing, or never comes to an end, is cut off, and others are served meanwhile', async () => {
  const silent = await opened();
  const slow = await opened();
  slow.write('GET /livez HTTP/1.1\r\n');
  const endless = await opened();
  endless.write('POST /livez HTTP/1.1\r\nhost: cell\r\ncontent-length: 1000000000\r\n\r\n');
  const dripping = setInterval(() => {
    slow.write('x-more: 1\r\n');
    endless.write('x');
  }, 100);
  expect(await statusOf('127.0.0.2')).toBe('200');
  const [said] = await Promise.all([slow, silent, endless].map(untilClosed));
  clearInterval(dripping);
  expect(said).toMatch(/^HTTP\/1\.1 408 /);
  expect(await statusOf('127.0.0.2')).toBe('200');
  // It takes 11 s, or 30 s where nobody looks at connections more often than Node does by itself.
}, 28_000);

test('headers beyond the limit are refused', async () => {
  const socket = await opened();
  socket.write(`GET /livez HTTP/1.1\r\nx-long: ${'x'.repeat(9_000)}\r\n\r\n`);
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 431 /);
});

test.each([
  'no http at all\r\n\r\n',
  'GET /livez HTTP/1.1\r\nhost : x\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
])('bytes that are no request are refused: %j', async (bytes) => {
  const socket = await opened();
  socket.write(bytes, 'latin1');
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await statusOf('127.0.0.1')).toBe('200');
});

test('connections beyond the limit of an address end at once; other addresses, and later ones, are served', async () => {
  const held = await Promise.all(Array.from({ length: CONNECTIONS_PER_ADDRESS_MAX }, () => opened()));
  for (let more = 0; more < 200; more += 1) expect(await untilClosed(await opened())).toBe('');
  expect(held.some((socket) => socket.closed)).toBe(false);
  expect(await statusOf('127.0.0.2')).toBe('200');
  const gone = held.map((socket) => once(socket, 'close'));
  for (const socket of held) socket.destroy();
  await Promise.all(gone);
  await expect.poll(() => statusOf('127.0.0.1'), { timeout: 20_000 }).toBe('200');
});
