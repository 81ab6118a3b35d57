/** Members that prove themselves to each other: Raft's messages, calls, and what impostors are told. */
import { setTimeout } from 'node:timers/promises';
import type { Subject } from '@cell/identity';
import type { Message } from '@cell/raft';
import { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { Access } from '../../access/index.ts';
import { TestAuthority } from '../../authority/testing/test-authority.ts';
import { TlsTransport } from '../../listen/index.ts';
import type { MemberAddress, PeerRequests } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import { peerServerOptions } from './channel-options.ts';
import { GrpcPeers } from './grpc-peers.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { PeerChannels } from './peer-channels.ts';
import { fixedIdentity } from './peer-identity.ts';
import { registerPeerService } from './peer-service.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const authority = TestAuthority.make();
const many = 100_000;
/** Far more than a call takes, also on a machine that has other things to do. */
const CALL_MS_MAX = 30_000;
const limits = {
  callsPerSecond: many,
  callsBurst: many,
  messagesPerSecond: many,
  messagesBurst: many,
  failuresPerMinute: many,
  failuresBurst: many,
  joinsPerMinute: many,
  joinsBurst: many,
};

function at(id: number, port: number): MemberAddress {
  return { id, grpc: '', http: '', peers: `127.0.0.1:${port}` };
}

function heartbeat(index: number): Message {
  const nothing = { logTerm: 0, entries: [], commit: 0, vote: 0, reject: false, rejectHint: 0, responses: [] };
  const context = new Uint8Array();
  return { type: 'heartbeat', to: 2, from: 1, term: 1, index, snapshot: undefined, context, ...nothing };
}

/** One whose certificate names the subject, whatever it says of itself. */
function secured(subject: Subject, by = authority, trust = by) {
  const clock = realClock;
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) });
  const listeners = new Set<() => void>();
  const identity = {
    own: by.credentials(subject),
    trust: [trust.certificate] as readonly string[],
    onRenewal: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const registry = new Registry();
  const settings = { connections: 100, connectionsPerSource: 100, handshakes: 100, handshakeMs: 20_000 };
  const renewExpiredWithinMs = 0;
  const transport = new TlsTransport({
    identity,
    settings: { ...settings, renewExpiredWithinMs },
    clock,
    log,
    registry,
  });
  const connection = (peer: string) => transport.connection(peer);
  const guard = new Access({ clock, log, registry, connection, limits, renewExpiredWithinMs });
  const renew = (next: TestAuthority, trusted: readonly TestAuthority[]) => {
    Object.assign(identity, { own: next.credentials(subject), trust: trusted.map(({ certificate }) => certificate) });
    for (const listener of listeners) listener();
  };
  ends.push(
    () => transport.close(),
    () => guard.stop(),
  );
  return { transport, guard, log, lines, renew };
}

/** Member 2, if its certificate says nothing else. */
async function receiver(subject: Subject = { kind: 'member', id: 2 }, by = authority) {
  const received: Message[] = [];
  const security = secured(subject, by);
  const { transport, guard, log } = security;
  const server = new Server(peerServerOptions);
  const refuse = () => Promise.reject(new Error('Not asked for'));
  registerPeerService(server, {
    identity: fixedIdentity('c', 2, [at(1, 1), at(2, 1)]),
    guard,
    clock: realClock,
    log,
    raft: {
      onMessages: (messages) => received.push(...messages),
      onSnapshot: () => Promise.resolve(),
      onUnreachable: () => {},
    },
    propose: refuse,
    changeMembership: refuse,
    replication: () => ({ lastIndex: 5, members: [] }),
    requests: {
      async *openLogs(_request, signal) {
        for (let line = 0; !signal.aborted; line += 1) {
          yield { data: Buffer.from(`${line}\n`), stream: 'stdout' };
          await setTimeout(1);
        }
      },
    } as Partial<PeerRequests> as PeerRequests,
  });
  const { port } = await transport.listen(server, '127.0.0.1:0', 'listen.peers');
  ends.push(() => server.forceShutdown());
  return { ...security, received, port };
}

/** Calls itself member 1. */
function sender(port: number, subject: Subject = { kind: 'member', id: 1 }, by = authority, trust = authority) {
  const security = secured(subject, by, trust);
  const identity = fixedIdentity('c', 1, [at(1, 1), at(2, port)]);
  const channels = new PeerChannels(identity, security.transport);
  const { log } = security;
  const parts = { identity, security: security.transport, channels, clock: realClock, log };
  const transport = new GrpcTransport({ ...parts, random: Math.random });
  const peers = new GrpcPeers(identity, channels, () => Date.now());
  ends.push(
    () => transport.close(),
    () => channels.close(),
  );
  return { ...security, raft: transport, peers };
}

test('members that prove themselves exchange messages and calls', async () => {
  const { received, port } = await receiver();
  const { raft, peers } = sender(port);
  await expect.poll(() => raft.connected(2)).toBe(true);
  raft.send([heartbeat(7)]);
  await expect.poll(() => received.map(({ index }) => index)).toEqual([7]);
  expect((await peers.replication(2, CALL_MS_MAX)).lastIndex).toBe(5);
});

const foreign = TestAuthority.make();

test.each<[string, Subject, TestAuthority, string]>([
  ['another member', { kind: 'member', id: 3 }, authority, 'CELL_E_FORBIDDEN'],
  ['a node', { kind: 'node', id: 'n1' }, authority, 'CELL_E_STARTING'],
  ['a person', { kind: 'token', id: 'abc' }, authority, 'CELL_E_STARTING'],
  ["another cluster's member", { kind: 'member', id: 1 }, foreign, 'CELL_E_UNAUTHENTICATED'],
])('%s can not speak for a member', async (_who, subject, by, code) => {
  const { received, port } = await receiver();
  const { raft, peers, lines } = sender(port, subject, by);
  await expect(peers.replication(2, CALL_MS_MAX)).rejects.toMatchObject({ code });
  await expect.poll(() => lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('Cannot reach member 2'));
  raft.send([heartbeat(7)]);
  expect(raft.connected(2)).toBe(false);
  expect(received).toEqual([]);
});

test.each<[string, Subject, TestAuthority, string]>([
  ['another member', { kind: 'member', id: 4 }, authority, 'Called member "2", and it is member "4" that answers'],
  // Its certificate is not even one to serve with.
  ['a node', { kind: 'node', id: 'n1' }, authority, 'is not the member that was called'],
  ["another cluster's member", { kind: 'member', id: 2 }, foreign, 'its certificate is from another authority'],
])('a member says nothing to %s that answers in the place of a member', async (_who, subject, by, reason) => {
  const { received, port } = await receiver(subject, by);
  const { raft, peers, lines } = sender(port);
  await expect(peers.replication(2, CALL_MS_MAX)).rejects.toMatchObject({
    code: 'CELL_E_PEER_UNREACHABLE',
    message: expect.stringContaining(reason),
  });
  await expect.poll(() => lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('Cannot reach member 2'));
  expect(raft.connected(2)).toBe(false);
  expect(received).toEqual([]);
});

test('while certificates are renewed and the authority changes, messages go on, and so do calls under way', async () => {
  const { received, port, renew: renewReceiver } = await receiver();
  const { raft, peers, lines, renew } = sender(port);
  const next = TestAuthority.make(Date.now(), authority);
  const reading = new AbortController();
  ends.push(() => reading.abort(new Error('Enough was read')));
  const request = { allocationId: 'a', follow: true, tailLines: undefined, stream: 'both' } as const;
  const logs = peers.relayLogs(2, request, reading.signal)[Symbol.asyncIterator]();
  await logs.next();
  let sent = 0;
  const flow = async () => {
    sent += 1;
    raft.send([heartbeat(sent)]);
    await setTimeout(1);
  };
  const arrives = async () => {
    const before = received.length;
    while (received.length === before) await flow();
  };
  await arrives();
  renewReceiver(next, [authority, next]);
  renew(next, [authority, next]);
  const connected = () => lines.filter(({ msg }) => msg === 'Connected to member 2').length;
  while (connected() < 2) await flow();
  await arrives();
  // On a connection from before, and on a new one.
  expect((await logs.next()).done).toBe(false);
  expect((await peers.replication(2, CALL_MS_MAX)).lastIndex).toBe(5);
  expect(lines.filter(({ level }) => level === 40)).toEqual([]);
  // Each is sent once: what was on its way while the stream was made anew is Raft's to send again.
  const indexes = received.map(({ index }) => index);
  expect(indexes).toEqual([...new Set(indexes)].sort((left, right) => left - right));
});
