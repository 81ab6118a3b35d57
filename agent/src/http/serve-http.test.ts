import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { splitAddress } from '@cell/config';
import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HttpServer, serveHttp } from './serve-http.ts';

const CONNECTIONS_PER_ADDRESS_MAX = 16;

let server: HttpServer;
let notReady = '';
let sockets: Socket[] = [];

beforeEach(async () => {
  const metrics = new Registry();
  metrics.registerMetric(new Counter({ name: 'cell_things_total', help: 'Things', registers: [] }));
  const refusal = (address: string | undefined, authorization: string | undefined) =>
    authorization === 'Bearer let-me' ? undefined : `Not from ${address}`;
  server = await serveHttp('127.0.0.1:0', { metrics, notReady: () => notReady, refusal });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.close();
});

const ask = async (path: string, init?: RequestInit) => {
  const answer = await fetch(`http://${server.address}${path}`, init);
  return [answer.status, await answer.text()];
};

async function opened(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ ...splitAddress(server.address)!, localAddress });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

test('metrics are shown to those who may see them, and tell others why not', async () => {
  expect(await ask('/metrics')).toEqual([403, 'Not from 127.0.0.1\n']);
  const [status, text] = await ask('/metrics', { headers: { authorization: 'Bearer let-me' } });
  expect([status, text]).toEqual([200, expect.stringContaining('cell_things_total 0')]);
});

test('whether it lives and is ready, anybody may ask', async () => {
  expect(await ask('/livez')).toEqual([200, 'ok\n']);
  notReady = 'No session';
  expect(await ask('/readyz')).toEqual([503, 'No session\n']);
  notReady = '';
  expect(await ask('/readyz')).toEqual([200, 'ok\n']);
});

test('anything else is refused with what there is', async () => {
  expect(await ask('/other')).toEqual([404, 'Not found; there are /metrics, /livez and /readyz\n']);
  expect(await ask('/livez', { method: 'POST', body: 'x'.repeat(100_000) })).toEqual([405, 'Use GET\n']);
});

test('who never comes to an end with his headers is cut off, and others are served meanwhile', async () => {
  const slow = await opened();
  slow.write('GET /livez HTTP/1.1\r\n');
  const dripping = setInterval(() => slow.write('x-more: 1\r\n'), 100);
  expect(await ask('/livez')).toEqual([200, 'ok\n']);
  expect(await untilClosed(slow)).toMatch(/^HTTP\/1\.1 408 /);
  clearInterval(dripping);
}, 30_000);

test('connections beyond the limit of an address end at once, and other addresses are served', async () => {
  const held: Socket[] = [];
  while (held.length < CONNECTIONS_PER_ADDRESS_MAX) held.push(await opened());
  for (let more = 0; more < 50; more += 1) expect(await untilClosed(await opened())).toBe('');
  expect(held.some((socket) => socket.closed)).toBe(false);
  const other = await opened('127.0.0.2');
  other.write('GET /livez HTTP/1.1\r\nhost: cell\r\nconnection: close\r\n\r\n');
  expect(await untilClosed(other)).toMatch(/^HTTP\/1\.1 200 /);
});
