import { setTimeout } from 'node:timers/promises';
import { encodeMessages, type Message, type SnapshotData, type TransportEvents } from '@cell/raft';
import { type Metadata, Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { plainTransport } from '../../listen/testing/plain-transport.ts';
import type { Clock, MemberAddress, PeerRequests } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import { believingGuard } from '../testing/believing-guard.ts';
import { peerServerOptions } from './channel-options.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { BUFFERED_BYTES_MAX } from './message-stream.ts';
import { PeerChannels } from './peer-channels.ts';
import { fixedIdentity, identityMetadata } from './peer-identity.ts';
import { registerPeerService } from './peer-service.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function message(fields: Partial<Message>): Message {
  return {
    type: 'heartbeat',
    to: 2,
    from: 1,
    term: 1,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    vote: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: new Uint8Array(),
    responses: [],
    ...fields,
  };
}

function entry(index: number, bytes: number) {
  return { term: 1, index, type: 'normal', data: new Uint8Array(bytes) } as const;
}

function logger() {
  const lines: { msg: string; level: number }[] = [];
  return { lines, log: pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) }) };
}

/** Member 2, with what it received. */
async function receiver(clusterId = 'c', port = 0, onSnapshot?: TransportEvents['onSnapshot']) {
  const received: (readonly Message[])[] = [];
  const up: number[] = [];
  const { lines, log } = logger();
  const server = new Server(peerServerOptions);
  const address = (at: number) => ({ id: 2, grpc: '', http: '', peers: `127.0.0.1:${at}` });
  const members = [{ id: 1, grpc: '', http: '', peers: '127.0.0.1:1' }, address(port)];
  registerPeerService(server, {
    identity: fixedIdentity(clusterId, 2, members),
    guard: believingGuard(),
    clock: realClock,
    log,
    raft: {
      onMessages: (messages) => received.push(messages),
      onSnapshot: onSnapshot ?? (() => Promise.resolve()),
      onUnreachable: () => {},
    },
    onPeerUp: (peer) => up.push(peer),
    propose: () => Promise.reject(new Error('Not asked for')),
    changeMembership: () => Promise.reject(new Error('Not asked for')),
    replication: () => ({ lastIndex: 0, members: [] }),
    requests: {} as PeerRequests,
  });
  const { port: bound } = await security.listen(server, `127.0.0.1:${port}`, 'listen.peers');
  const stop = () => server.forceShutdown();
  ends.push(stop);
  return { received, up, lines, address: address(bound), port: bound, stop };
}

const security = plainTransport();

/** Member 1. */
function sender(peer: MemberAddress, clock: Clock = realClock) {
  const unreachable: number[] = [];
  const { lines, log } = logger();
  const identity = fixedIdentity('c', 1, [{ ...peer, id: 1 }, peer]);
  const channels = new PeerChannels(identity, security);
  const transport = new GrpcTransport({ identity, security, channels, clock, log, random: Math.random });
  transport.reportTo((id) => unreachable.push(id));
  ends.push(
    () => transport.close(),
    () => channels.close(),
  );
  return { transport, unreachable, lines };
}

test('what is sent in one turn arrives in one frame, in order', async () => {
  const { received, address } = await receiver();
  const { transport, unreachable } = sender(address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  transport.send([message({ index: 1 }), message({ index: 2 })]);
  transport.send([message({ index: 3 })]);
  await expect.poll(() => received.length).toBe(1);
  expect(received[0]!.map(({ index }) => index)).toEqual([1, 2, 3]);
  expect(unreachable).toEqual([]);
});

test('messages for a peer that has not accepted the stream are dropped and reported, never lost in silence', async () => {
  const gone = await receiver();
  gone.stop();
  const { transport, unreachable } = sender(gone.address);
  transport.send([message({})]);
  await Promise.resolve();
  expect(unreachable).toEqual([2]);
  await setTimeout(100);
  transport.send([message({})]);
  await Promise.resolve();
  expect(unreachable).toEqual([2, 2]);
});

test('the stream is dialled again, and quickly, when the peer comes back', async () => {
  const first = await receiver();
  const { transport, lines } = sender(first.address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  first.stop();
  await expect.poll(() => transport.connected(2)).toBe(false);
  await setTimeout(300);
  const second = await receiver('c', first.port);
  await expect.poll(() => transport.connected(2)).toBe(true);
  transport.send([message({ index: 9 })]);
  await expect.poll(() => second.received.flat().map(({ index }) => index)).toEqual([9]);
  const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  expect(new Set(warnings).size).toBe(warnings.length);
});

test('a peer that calls us is dialled at once, however long the pause before the next attempt', async () => {
  const acceptMs = 1000;
  const after: Clock['after'] = (ms, callback) => (ms === acceptMs ? realClock.after(ms, callback) : () => {});
  const first = await receiver();
  const { transport } = sender(first.address, { ...realClock, after });
  await expect.poll(() => transport.connected(2)).toBe(true);
  transport.peerIsUp(2);
  expect(transport.connected(2)).toBe(true);
  first.stop();
  await expect.poll(() => transport.connected(2)).toBe(false);
  await receiver('c', first.port);
  transport.peerIsUp(2);
  await expect.poll(() => transport.connected(2)).toBe(true);
});

test('to a peer that does not read no more is kept than may wait; the rest is dropped and reported', async () => {
  const { address } = await receiver();
  const { transport, unreachable } = sender(address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  // Nothing leaves before the event loop turns: so nobody reads meanwhile.
  for (let index = 1; index <= 64; index += 1) transport.send([message({ entries: [entry(index, 1_000_000)] })]);
  await Promise.resolve();
  expect(transport.bufferedBytes(2)).toBeGreaterThan(BUFFERED_BYTES_MAX / 2);
  expect(transport.bufferedBytes(2)).toBeLessThanOrEqual(BUFFERED_BYTES_MAX);
  expect(unreachable).toEqual([2]);
  await expect.poll(() => transport.bufferedBytes(2)).toBe(0);
});

test('a peer that opens its stream is told of', async () => {
  const { address, up } = await receiver();
  const { transport } = sender(address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  expect(up).toEqual([1]);
});

test('a peer of another cluster is refused, and both sides say so once', async () => {
  const foreign = await receiver('d');
  const { transport, lines } = sender(foreign.address);
  const refusals = (from: { msg: string }[]) => from.filter(({ msg }) => msg.includes('of cluster "c"'));
  await expect.poll(() => refusals(lines).length).toBe(1);
  await expect.poll(() => refusals(foreign.lines).length).toBe(1);
  // Time for more attempts, about which nothing more is said.
  await setTimeout(500);
  expect(transport.connected(2)).toBe(false);
  expect(refusals(lines)).toHaveLength(1);
  expect(refusals(foreign.lines)).toHaveLength(1);
});

test('a large batch goes in several frames, all of them below the limit of a message', async () => {
  const { received, address } = await receiver();
  const { transport, unreachable } = sender(address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  const mebibyte = 1024 * 1024;
  const batch = Array.from({ length: 12 }, (_, index) =>
    message({ type: 'append', index, entries: [entry(index + 1, mebibyte)] }),
  );
  transport.send(batch);
  await expect.poll(() => received.flat().length).toBe(12);
  expect(received.flat().map(({ index }) => index)).toEqual(batch.map(({ index }) => index));
  expect(received.length).toBe(3);
  expect(unreachable).toEqual([]);
});

test('a peer that reads too slowly costs bounded memory: the rest is dropped and reported', async () => {
  const { address } = await receiver();
  const { transport, unreachable } = sender(address);
  await expect.poll(() => transport.connected(2)).toBe(true);
  for (let index = 0; index < 12; index += 1) {
    transport.send([message({ type: 'append', entries: [entry(1, 3 * 1024 * 1024)] })]);
    // Only microtasks: the connection can't take anything meanwhile.
    await Promise.resolve();
  }
  expect(unreachable.length).toBeGreaterThan(5);
});

const snapshot = {
  meta: {
    index: 7,
    term: 1,
    conf: { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  },
  data: new Uint8Array([1]),
};

function bytes(total: number, piece: number): SnapshotData {
  async function* readFrom(from: number) {
    for (let sent = from; sent < total; sent += piece) yield new Uint8Array(Math.min(piece, total - sent)).fill(1);
  }
  return withContent(readFrom, total);
}

function withContent(readFrom: (byte: number) => AsyncIterable<Uint8Array>, sizeBytes = 1000): SnapshotData {
  const content = { sizeBytes, checksum: 7, readFrom };
  return { [Symbol.asyncIterator]: () => readFrom(0)[Symbol.asyncIterator](), content };
}

test('a snapshot arrives whole, and is accepted only when the receiver has stored it', async () => {
  const taken: { index: number; size: number }[] = [];
  const { address } = await receiver('c', 0, async ({ snapshot: found }, data) => {
    let size = 0;
    for await (const chunk of data) {
      expect(chunk.length).toBeLessThanOrEqual(256 * 1024);
      size += chunk.length;
    }
    taken.push({ index: found!.meta.index, size });
  });
  const { transport } = sender(address);
  await transport.sendSnapshot(message({ type: 'snapshot', snapshot }), bytes(10_000_000, 700_000));
  expect(taken).toEqual([{ index: 7, size: 10_000_000 }]);
});

test('a receiver that has the beginning gets the rest only', async () => {
  let size = 0;
  const { address } = await receiver('c', 0, async (_, { content }) => {
    expect(content).toMatchObject({ sizeBytes: 10_000_000, checksum: 7 });
    for await (const chunk of content!.readFrom(9_000_001)) size += chunk.length;
  });
  const { transport } = sender(address);
  await transport.sendSnapshot(message({ type: 'snapshot', snapshot }), bytes(10_000_000, 700_000));
  expect(size).toBe(999_999);
});

test('a snapshot that is not needed is accepted without its data', async () => {
  const { address } = await receiver('c', 0, () => Promise.resolve());
  const { transport } = sender(address);
  const unread = withContent(() => {
    throw new Error('Must not be read');
  });
  await transport.sendSnapshot(message({ type: 'snapshot', snapshot }), unread);
});

test('a receiver that stalls costs bounded memory: no more is read than is on its way, and it is given up', async () => {
  const stalled = Promise.withResolvers<void>();
  const { address } = await receiver('c', 0, async (_, data) => {
    for await (const _ of data) await stalled.promise;
  });
  ends.push(() => stalled.resolve());
  const patience: (() => void)[] = [];
  const after: Clock['after'] = (ms, end) => {
    if (ms < 10_000) return realClock.after(ms, end);
    patience.push(end);
    return () => {};
  };
  const { transport } = sender(address, { ...realClock, after });
  let read = 0;
  const endless = withContent(async function* () {
    for (;;) {
      read += 100_000;
      yield new Uint8Array(100_000);
    }
  }, 1e12);
  const sent = expect(transport.sendSnapshot(message({ type: 'snapshot', snapshot }), endless)).rejects.toThrow();
  let before = 0;
  const standsStill = () => {
    const same = read > 0 && read === before;
    before = read;
    return same;
  };
  await expect.poll(standsStill, { interval: 200 }).toBe(true);
  expect(read).toBeLessThan(64 * 1024 * 1024);
  for (const end of patience) end();
  await sent;
});

test('a receiver that goes away in the middle is reported', async () => {
  const begun = Promise.withResolvers<void>();
  const { address, stop } = await receiver('c', 0, async (_, data) => {
    for await (const _ of data) begun.resolve();
  });
  const { transport } = sender(address);
  const halting = withContent(async function* () {
    yield new Uint8Array(1000);
    await begun.promise;
    stop();
    for (;;) yield new Uint8Array(1_000_000);
  });
  await expect(transport.sendSnapshot(message({ type: 'snapshot', snapshot }), halting)).rejects.toThrow();
});

test('a snapshot that the sender breaks off never seems complete to the receiver', async () => {
  const endings: string[] = [];
  const begun = Promise.withResolvers<void>();
  const { address } = await receiver('c', 0, async (_, data) => {
    try {
      for await (const _ of data) begun.resolve();
      endings.push('complete');
    } catch {
      endings.push('broken');
      throw new Error('Broken');
    }
  });
  const { transport } = sender(address);
  async function* failing() {
    yield new Uint8Array(1000);
    await begun.promise;
    throw new Error('Disk failed');
  }
  const sent = transport.sendSnapshot(message({ type: 'snapshot', snapshot }), withContent(failing));
  await expect(sent).rejects.toThrow('Disk failed');
  await expect.poll(() => endings).toEqual(['broken']);
});

test('a snapshot that the receiver refuses is reported to the sender', async () => {
  const { address } = await receiver('c', 0, () => Promise.reject(new Error('Unwanted')));
  const { transport } = sender(address);
  const sent = transport.sendSnapshot(message({ type: 'snapshot', snapshot }), bytes(1000, 1000));
  await expect(sent).rejects.toThrow('Unwanted');
});

test('what every call carries is what the wire contract names', () => {
  const metadata: Metadata = identityMetadata({
    ...fixedIdentity('c', 1, []),
    incarnation: 'i',
    peerAddress: 'h1:7601',
  });
  expect(metadata.getMap()).toEqual({
    'cell-cluster-id': 'c',
    'cell-member-id': '1',
    'cell-incarnation': 'i',
    'cell-peer-address': 'h1:7601',
  });
  expect(encodeMessages([message({})])[0]).toBe(1);
});
