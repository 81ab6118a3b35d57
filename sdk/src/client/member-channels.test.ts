import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { credentials, Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { memberChannels } from './member-channels.ts';

/** A connection that is made at once is on its way after fewer. */
const TURNS = 50;
const HOUR_MS = 3_600_000;

test('a connection that is closed while it is made is waited for no more, and not made again', async () => {
  const taken: Socket[] = [];
  const silent = createServer((socket) => taken.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const metadata = (): Metadata => new Metadata();
  const channel = async () => credentials.createInsecure();
  const channels = memberChannels({ channel, channelOptions: {}, metadata });
  const ready = channels.ready(`127.0.0.1:${(silent.address() as AddressInfo).port}`, HOUR_MS);
  await once(silent, 'connection');
  channels.close();
  await ready.catch(() => undefined);
  for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
  expect(taken.length).toBe(1);
  for (const socket of taken) socket.destroy();
  silent.close();
});
