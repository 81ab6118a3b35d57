import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { type HttpRoute, type HttpServer, startHttpServer } from './http-server.ts';

let server: HttpServer | undefined;
afterEach(() => server?.stop());

async function serve() {
  const failures: unknown[] = [];
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    routes: new Map<string, HttpRoute>([
      ['/good', { open: true, answer: () => ({ status: 200, contentType: 'text/plain', body: 'häh' }) }],
      ['/bad', { open: true, answer: () => Promise.reject(new Error('Broken')) }],
      ['/closed', { open: false, answer: () => ({ status: 200, contentType: 'text/plain', body: 'seen' }) }],
    ]),
    refusal: (address, authorization) => (authorization === 'Bearer let-me' ? undefined : `Not from ${address}`),
    onError: (error, path) => failures.push(`${path}: ${(error as Error).message}`),
  });
  const { port } = server;
  return { failures, ask: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init) };
}

test('a route answers GET and HEAD, whatever the query', async () => {
  const { ask } = await serve();
  const got = await ask('/good?x=1');
  expect([got.status, await got.text()]).toEqual([200, 'häh']);
  const head = await ask('/good', { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
});

test('anything else is refused with what there is', async () => {
  const { ask } = await serve();
  const missing = await ask('/nothing');
  expect([missing.status, await missing.text()]).toEqual([404, 'Not found. There are: /good /bad /closed\n']);
  const posted = await ask('/good', { method: 'POST', body: 'x'.repeat(100_000) });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('what is not open is shown to those who may see it, and tells others why not', async () => {
  const { ask } = await serve();
  const refused = await ask('/closed');
  expect([refused.status, await refused.text()]).toEqual([403, 'Not from 127.0.0.1\n']);
  const seen = await ask('/closed', { headers: { authorization: 'Bearer let-me' } });
  expect([seen.status, await seen.text()]).toEqual([200, 'seen']);
});

test('a route that fails answers 500, tells the owner, and tells the caller nothing', async () => {
  const { ask, failures } = await serve();
  const failed = await ask('/bad');
  expect([failed.status, await failed.text()]).toEqual([500, 'The server failed; its log tells why\n']);
  expect(failures).toEqual(['/bad: Broken']);
});

test('a port in use is a coded error that names the address and the setting', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const starting = startHttpServer({
    host: '127.0.0.1',
    port,
    routes: new Map(),
    refusal: () => undefined,
    onError: () => {},
  });
  await expect(starting).rejects.toMatchObject({
    code: 'CELL_E_ADDRESS_IN_USE',
    message: `Cannot listen on "127.0.0.1:${port}" (listen.http): another process does. Stop it, or change listen.http`,
  });
  other.close();
});
