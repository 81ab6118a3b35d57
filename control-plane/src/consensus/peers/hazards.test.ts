/** Known hazards of carrying Raft's messages over gRPC: see raft/HAZARDS.md. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Message, TransportEvents } from '@cell/raft';
import { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { plainTransport } from '../../listen/testing/plain-transport.ts';
import type { Clock, MemberAddress, PeerRequests } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import { believingGuard } from '../testing/believing-guard.ts';
import { peerServerOptions } from './channel-options.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { PeerChannels } from './peer-channels.ts';
import { fixedIdentity } from './peer-identity.ts';
import { registerPeerService } from './peer-service.ts';

const log = pino({ level: 'silent' });
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function message(type: Message['type'], index: number): Message {
  const conf = { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot = type === 'snapshot' ? { meta: { index, term: 1, conf }, data: new Uint8Array([1]) } : undefined;
  const nothing = { logTerm: 0, entries: [], commit: 0, vote: 0, reject: false, rejectHint: 0, responses: [] };
  return { ...nothing, type, to: 2, from: 1, term: 1, index, snapshot, context: new Uint8Array() };
}

function address(port: number): MemberAddress {
  return { id: 2, grpc: '', http: '', peers: `127.0.0.1:${port}` };
}

const security = plainTransport();

/** Member 1. */
function sender(port: number, clock: Clock = realClock) {
  const unreachable: number[] = [];
  const identity = fixedIdentity('c', 1, [{ ...address(1), id: 1 }, address(port)]);
  const channels = new PeerChannels(identity, security);
  const transport = new GrpcTransport({ identity, security, channels, clock, log, random: () => 0.5 });
  transport.reportTo((peer) => unreachable.push(peer));
  ends.push(
    () => transport.close(),
    () => channels.close(),
  );
  return { transport, unreachable };
}

/** Member 2. */
async function receiver(raft: Partial<TransportEvents>): Promise<number> {
  const server = new Server(peerServerOptions);
  registerPeerService(server, {
    identity: fixedIdentity('c', 2, [{ ...address(1), id: 1 }, address(2)]),
    guard: believingGuard(),
    clock: realClock,
    log,
    raft: { onMessages: () => {}, onSnapshot: () => Promise.resolve(), onUnreachable: () => {}, ...raft },
    onPeerUp: () => {},
    propose: () => Promise.reject(new Error('Not asked for')),
    changeMembership: () => Promise.reject(new Error('Not asked for')),
    replication: () => ({ lastIndex: 0, members: [] }),
    requests: {} as PeerRequests,
  });
  ends.push(() => server.forceShutdown());
  return (await security.listen(server, '127.0.0.1:0', 'listen.peers')).port;
}

test('hazard 9: a peer that takes the connection but never the stream is unreachable, and every message says so', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { transport, unreachable } = sender((silent.address() as AddressInfo).port);
  await expect.poll(() => sockets.length).toBeGreaterThan(0);
  for (let count = 1; count <= 3; count += 1) {
    transport.send([message('append', count)]);
    await nextTurn();
    expect(unreachable).toHaveLength(count);
  }
  expect(transport.connected(2)).toBe(false);
});

test('hazard 9: what is sent in one turn of the event loop is one frame on one stream', async () => {
  const frames: number[][] = [];
  const port = await receiver({ onMessages: (messages) => frames.push(messages.map(({ index }) => index)) });
  const { transport } = sender(port);
  await expect.poll(() => transport.connected(2)).toBe(true);
  for (let index = 1; index <= 5; index += 1) transport.send([message('append', index)]);
  await expect.poll(() => frames).toEqual([[1, 2, 3, 4, 5]]);
});

test('hazard 5: sending a snapshot ends also if its receiver takes everything and never answers', async () => {
  const patience: { readonly ms: number; readonly end: () => void }[] = [];
  // Only what bounds the sending of snapshots waits this long; here its time comes when the test says so.
  const after: Clock['after'] = (ms, end) => {
    if (ms < 10_000) return realClock.after(ms, end);
    patience.push({ ms, end });
    return () => {};
  };
  let taken = 0;
  const port = await receiver({
    onSnapshot: async (_, data) => {
      for await (const chunk of data) taken += chunk.length;
      await new Promise(() => {});
    },
  });
  const { transport } = sender(port, { ...realClock, after });
  async function* data() {
    yield new Uint8Array(1000);
  }
  const content = { sizeBytes: 1000, checksum: 0, readFrom: data };
  const sent = transport.sendSnapshot(message('snapshot', 7), { [Symbol.asyncIterator]: data, content });
  const failed = expect(sent).rejects.toThrow();
  await expect.poll(() => taken).toBe(1000);
  await expect.poll(() => patience.at(-1)?.ms).toBeGreaterThan(10_000);
  patience.at(-1)?.end();
  await failed;
});
