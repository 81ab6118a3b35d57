import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connectivityState, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { plainTransport } from '../../listen/testing/plain-transport.ts';
import { PeerChannels } from './peer-channels.ts';
import { fixedIdentity } from './peer-identity.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  return port;
}

/** Channels of member 1 to member 2, which is at this port. */
function channelsTo(port: number): PeerChannels {
  const at = (id: number, peers: string) => ({ id, peers, grpc: `g${id}`, http: `h${id}` });
  const channels = new PeerChannels(
    fixedIdentity('c', 1, [at(1, '127.0.0.1:1'), at(2, `127.0.0.1:${port}`)]),
    plainTransport(),
  );
  ends.push(() => channels.close());
  return channels;
}

function stateOf(channels: PeerChannels): connectivityState {
  return channels.client(2).getChannel().getConnectivityState(true);
}

test('a member that is heard of is dialled anew, instead of failing calls until the next attempt', async () => {
  const channels = channelsTo(await freePort());
  await expect.poll(() => stateOf(channels)).toBe(connectivityState.TRANSIENT_FAILURE);
  const failing = channels.client(2);
  channels.peerIsUp(2);
  expect(channels.client(2)).not.toBe(failing);
  expect(stateOf(channels)).not.toBe(connectivityState.TRANSIENT_FAILURE);
});

test('a connection that works is kept, and so is one that was never made', async () => {
  const server = new Server();
  ends.push(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error === null ? resolve(bound) : reject(error));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  });
  const channels = channelsTo(port);
  channels.peerIsUp(2);
  await expect.poll(() => channels.connected(2)).toBe(true);
  const working = channels.client(2);
  channels.peerIsUp(2);
  expect(channels.client(2)).toBe(working);
});
