import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Client, credentials, Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { whenConnected } from './when-connected.ts';

const DAY_MS = 86_400_000;
/** Each call, and each connection that is made at once, is on its way after fewer. */
const TURNS = 50;

/** Takes connections and says nothing. */
let silent: Server;
let taken: Socket[];
let client: Client;

beforeEach(async () => {
  taken = [];
  silent = createServer((socket) => taken.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterEach(() => {
  client.close();
  for (const socket of taken) socket.destroy();
  silent.close();
});

const address = (): string => `127.0.0.1:${(silent.address() as AddressInfo).port}`;

function call(to: string): Client {
  client = new Client(to, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  client.makeBidiStreamRequest('/none', same, same).on('error', () => undefined);
  return client;
}

test('a client that is closed while it waits connects no more, and is told of no more', async () => {
  const told: boolean[] = [];
  whenConnected(call(address()), Date.now() + DAY_MS, (connected) => told.push(connected));
  await once(silent, 'connection');
  client.close();
  for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
  const last = connect((silent.address() as AddressInfo).port, '127.0.0.1');
  await once(silent, 'connection');
  last.destroy();
  expect(taken.length).toBe(2);
  expect(told).toEqual([]);
});

test('one that is connected in time is told so, and one that is not, too', async () => {
  const server = new GrpcServer();
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
  });
  const within = (to: string, waitMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      whenConnected(call(to), Date.now() + waitMs, resolve);
    });
  expect(await within(`127.0.0.1:${port}`, DAY_MS)).toBe(true);
  client.close();
  server.forceShutdown();
  expect(await within(address(), 50)).toBe(false);
});
