import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Credentials, channelCredentials, channelSecurityOptions, type Subject } from '@cell/identity';
import { Client, Metadata, Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { TestAuthority } from '../authority/testing/test-authority.ts';
import { toServiceError } from '../grpc-error.ts';
import type { Clock, ConnectionFacts, Listener } from '../ports.ts';
import { realClock } from '../real-clock.ts';
import { shutdownServer } from './shutdown-server.ts';
import { TlsTransport, type TransportSettings } from './tls-transport.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const HOUR_MS = 3_600_000;
const ANSWER_MS_MAX = 20_000;
const settings: TransportSettings = {
  connections: 100,
  connectionsPerSource: 20,
  handshakes: 10,
  handshakeMs: 20_000,
  renewExpiredWithinMs: HOUR_MS,
};

const authority = TestAuthority.make();
const node: Subject = { kind: 'node', id: 'n1' };
const asBytes = (bytes: Buffer) => bytes;

interface Running {
  readonly transport: TlsTransport;
  readonly listener: Listener;
  readonly lines: Record<string, unknown>[];
  readonly sweep: () => void;
  renew(trust: readonly TestAuthority[], own: Credentials): void;
  metric(line: string): Promise<string | undefined>;
}

/** A member that tells callers what it knows of their connection. */
async function running(changed: Partial<TransportSettings> = {}, skewMs = () => 0): Promise<Running> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) });
  const sweeps: (() => void)[] = [];
  const clock: Clock = {
    ...realClock,
    wallMs: () => Date.now() + skewMs(),
    monotonicMs: () => performance.now() + skewMs(),
    every: (_periodMs, callback) => {
      sweeps.push(callback);
      return () => {};
    },
  };
  const registry = new Registry();
  let listeners: (() => void)[] = [];
  const identity = {
    own: authority.credentials({ kind: 'member', id: 1 }),
    trust: [authority.certificate] as readonly string[],
    onRenewal: (listener: () => void) => {
      listeners.push(listener);
      return () => {
        listeners = [];
      };
    },
  };
  const transport = new TlsTransport({ identity, settings: { ...settings, ...changed }, clock, log, registry });
  const server = new Server();
  const echo = { path: '/test/facts', requestStream: false, responseStream: false } as const;
  const bytes = { requestSerialize: asBytes, requestDeserialize: asBytes };
  const definition = { facts: { ...echo, ...bytes, responseSerialize: asBytes, responseDeserialize: asBytes } };
  server.addService(definition, {
    facts: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
      try {
        reply(null, Buffer.from(JSON.stringify(transport.connection(call.getPeer()) ?? null)));
      } catch (error) {
        reply(toServiceError(error));
      }
    },
  });
  const listener = await transport.listen(server, '127.0.0.1:0', 'listen.grpc');
  ends.push(async () => {
    listener.close();
    transport.close();
    await shutdownServer(server);
  });
  return {
    transport,
    listener,
    lines,
    sweep: () => {
      for (const sweep of sweeps) sweep();
    },
    renew(trust, own) {
      Object.assign(identity, { trust: trust.map(({ certificate }) => certificate), own });
      for (const each of listeners) each();
    },
    async metric(name) {
      return (await registry.metrics())
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1];
    },
  };
}

function caller(port: number, credentials?: Credentials, trust = authority): Client {
  const security = channelCredentials({ trust: [trust.certificate], credentials });
  const options = { ...channelSecurityOptions, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(`127.0.0.1:${port}`, security, options);
  ends.push(() => client.close());
  return client;
}

/** What the member knows of the caller's connection; rejects with grpc-js's error. */
function facts(client: Client): Promise<ConnectionFacts> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + ANSWER_MS_MAX };
    client.makeUnaryRequest(
      '/test/facts',
      asBytes,
      asBytes,
      Buffer.alloc(0),
      new Metadata(),
      options,
      (error, answer) => {
        if (error === null) resolve(JSON.parse(String(answer)));
        else reject(error);
      },
    );
  });
}

function closed(socket: Socket | TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.resume();
  });
}

test('a connection proves whom its certificate names, until when, and by which authority', async () => {
  const { listener } = await running();
  const endsAtMs = Math.ceil(Date.now() / 1000) * 1000 + HOUR_MS;
  const known = await facts(caller(listener.port, authority.credentials(node, { endsAtMs })));
  expect(known).toEqual({
    address: '127.0.0.1',
    subject: node,
    authorityId: authority.pin.slice(0, 16),
    expiresAtMs: endsAtMs,
  });
});

test('who was away while authorities were replaced believes in them, as those before vouch for them', async () => {
  const { listener } = await running();
  const next = TestAuthority.make(Date.now(), authority);
  const afterNext = TestAuthority.make(Date.now(), next);
  for (const issuing of [next, afterNext]) {
    const known = await facts(caller(listener.port, issuing.credentials(node)));
    expect(known).toMatchObject({ subject: node, authorityId: '' });
  }
  const { privateKey, chain } = TestAuthority.make(Date.now(), TestAuthority.make()).credentials(node);
  const foreign = { privateKey, chain: chain + authority.certificate };
  await expect(facts(caller(listener.port, foreign))).rejects.toThrow('from another authority');
});

test('who comes without a certificate is served as nobody', async () => {
  const { listener } = await running();
  expect(await facts(caller(listener.port))).toEqual({ address: '127.0.0.1', authorityId: '', expiresAtMs: 0 });
});

test.each([
  ['another authority', () => TestAuthority.make().credentials(node), 'untrusted', 'from another authority'],
  [
    'another authority, and expired',
    () => TestAuthority.make().credentials(node, { endsAtMs: Date.now() - 60_000 }),
    'untrusted',
    'from another authority',
  ],
  [
    'one that begins tomorrow',
    () => authority.credentials(node, { beginsAtMs: Date.now() + 24 * HOUR_MS, endsAtMs: Date.now() + 48 * HOUR_MS }),
    'not-yet-valid',
    'by about 24 hours or more',
  ],
  [
    'one that ended long ago',
    () => authority.credentials(node, { beginsAtMs: Date.now() - 9 * HOUR_MS, endsAtMs: Date.now() - 2 * HOUR_MS }),
    'expired',
    'Join again with a new token',
  ],
])(
  'a certificate of %s: every call is refused with the reason, it is logged and counted, and the connection ends',
  async (_what, credentials, reason, text) => {
    let skewMs = 0;
    const { listener, lines, metric, sweep } = await running({}, () => skewMs);
    const client = caller(listener.port, credentials());
    await expect(facts(client)).rejects.toMatchObject({ details: expect.stringContaining(text) });
    await expect(facts(client)).rejects.toMatchObject({ details: expect.stringContaining(text) });
    expect(lines).toContainEqual(expect.objectContaining({ level: 40, reason, address: '127.0.0.1' }));
    expect(await metric(`cell_connections_refused_total{reason="${reason}"}`)).toBe('1');
    skewMs = 6000;
    sweep();
    await expect.poll(() => metric('cell_connections')).toBe('0');
  },
);

test('a node whose certificate has ended a moment ago is known as who it is', async () => {
  const { listener } = await running();
  const late = authority.credentials(node, { endsAtMs: Date.now() - 60_000 });
  expect((await facts(caller(listener.port, late))).subject).toEqual(node);
});

test('connections end with their certificates, and those that are used go on', async () => {
  let skewMs = 0;
  const { listener, sweep, metric } = await running({}, () => skewMs);
  const short = caller(listener.port, authority.credentials(node, { endsAtMs: Date.now() + 100_000 }));
  const nobody = caller(listener.port);
  await facts(short);
  await facts(nobody);
  skewMs = 90_000;
  sweep();
  expect(await metric('cell_connections')).toBe('2');
  skewMs = 120_000;
  sweep();
  await expect.poll(() => metric('cell_connections')).toBe('1');
  expect(await metric('cell_connections_cut_total{reason="certificate-ended"}')).toBe('1');
});

test('a connection without a certificate and without a call ends', async () => {
  let skewMs = 0;
  const { listener, sweep, metric } = await running({}, () => skewMs);
  const socket = connectTls({ port: listener.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  await expect.poll(() => metric('cell_handshakes_total{outcome="done"}')).toBe('1');
  skewMs = 61_000;
  sweep();
  await closed(socket);
});

test('what is chosen is cut, and nothing else', async () => {
  const { listener, metric } = await running();
  const [one, other] = [node, { kind: 'node', id: 'n2' } as const].map((subject) =>
    caller(listener.port, authority.credentials(subject)),
  );
  await Promise.all([facts(one!), facts(other!)]);
  listener.cut(({ subject }) => subject?.id === 'n1');
  await expect.poll(() => metric('cell_connections')).toBe('1');
  // It may come again: who must not is refused elsewhere.
  expect((await facts(one!)).subject).toEqual(node);
});

test('after a renewal new connections meet the new certificate, and those of an authority that is out are cut', async () => {
  const { listener, renew, metric } = await running();
  const next = TestAuthority.make(Date.now(), authority);
  const before = caller(listener.port, authority.credentials(node));
  await facts(before);
  renew([authority, next], next.credentials({ kind: 'member', id: 1 }));
  expect((await facts(before)).subject).toEqual(node);
  const after = caller(listener.port, next.credentials(node), next);
  expect((await facts(after)).authorityId).toBe(next.pin.slice(0, 16));
  renew([next], next.credentials({ kind: 'member', id: 1 }));
  await expect.poll(() => metric('cell_connections')).toBe('1');
  await expect(facts(before)).rejects.toMatchObject({ details: expect.stringContaining('another authority') });
});

test('plain text, older TLS and another protocol are no calls, and others are served meanwhile', async () => {
  const { listener, metric } = await running();
  const { port } = listener;
  const plain = connectPlain(port, '127.0.0.1');
  plain.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await closed(plain);
  await closed(connectTls({ port, rejectUnauthorized: false, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }));
  await closed(connectTls({ port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }));
  await closed(connectTls({ port, rejectUnauthorized: false }));
  expect((await facts(caller(port))).address).toBe('127.0.0.1');
  await expect.poll(() => metric('cell_connections')).toBe('1');
});

test('who says nothing is dropped when the handshake has taken too long', async () => {
  const { listener, metric } = await running({ handshakeMs: 50 });
  await closed(connectPlain(listener.port, '127.0.0.1'));
  expect(await metric('cell_handshakes_total{outcome="timeout"}')).toBe('1');
});

test('an address that fills its room is refused more, and keeps out nobody else', async () => {
  const { listener, metric, lines } = await running({ connectionsPerSource: 3, handshakes: 2 });
  const greedy = () => connectPlain({ port: listener.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  const sockets = [greedy(), greedy(), greedy()];
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await expect.poll(() => metric('cell_connections')).toBe('3');
  await closed(greedy());
  expect(await metric('cell_connections_refused_total{reason="address"}')).toBe('1');
  expect(lines).toContainEqual(expect.objectContaining({ reason: 'address', address: '127.0.0.2' }));
  // Both handshakes are the greedy one's; the oldest has to go.
  expect((await facts(caller(listener.port))).address).toBe('127.0.0.1');
  expect(await metric('cell_connections_refused_total{reason="handshakes"}')).toBe('1');
});

test('handshakes for which there is no room wait, and are done in their turn', async () => {
  const { listener } = await running({ handshakes: 1 });
  const clients = Array.from({ length: 10 }, () => caller(listener.port));
  expect(await Promise.all(clients.map(async (client) => (await facts(client)).address))).toHaveLength(10);
});

test('a place that is taken says so with its setting', async () => {
  const { listener, transport } = await running();
  await expect(transport.listen(new Server(), `127.0.0.1:${listener.port}`, 'listen.peers')).rejects.toMatchObject({
    code: 'CELL_E_ADDRESS_IN_USE',
    message: expect.stringContaining('listen.peers'),
  });
});

test('two connections from one address and port, to both ports of a member, are never taken for each other', async () => {
  const { listener, transport, metric } = await running();
  const other = await transport.listen(new Server(), '127.0.0.1:0', 'listen.peers');
  ends.push(() => other.close());
  // A free one, given away and taken back.
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port: localPort } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  const from = { host: '127.0.0.1', localAddress: '127.0.0.1', localPort };
  const first = connectPlain({ port: listener.port, ...from });
  ends.push(() => void first.destroy());
  await expect.poll(() => metric('cell_connections')).toBe('1');
  await closed(connectPlain({ port: other.port, ...from }));
  expect(await metric('cell_connections_refused_total{reason="ambiguous"}')).toBe('1');
  expect(await metric('cell_connections')).toBe('1');
});

/** Passes on what a client begins with, and the rest once it is told to. Resolves with its port. */
async function holding(port: number) {
  let release = () => {};
  const held = Promise.withResolvers<void>();
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const between = createServer((socket) => {
    const onward = connectPlain(port, '127.0.0.1');
    for (const each of [socket, onward]) {
      each.on('error', () => {});
      ends.push(() => void each.destroy());
    }
    onward.pipe(socket);
    socket.once('data', (hello: Buffer) => {
      socket.pause();
      onward.write(hello);
      // Its answer to what the member says: its certificate.
      socket.once('readable', () => held.resolve());
      void released.then(() => socket.pipe(onward));
    });
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  ends.push(() => void between.close());
  return { port: (between.address() as AddressInfo).port, held: held.promise, release };
}

test('a handshake that began before an authority was retired proves nothing by it afterwards', async () => {
  const next = TestAuthority.make(Date.now(), authority);
  const member = await running();
  const between = await holding(member.listener.port);
  const told = facts(caller(between.port, authority.credentials(node))).then(
    (known) => known,
    (error: { details: string }) => error.details,
  );
  await between.held;
  member.renew([next], next.credentials({ kind: 'member', id: 1 }));
  between.release();
  expect(await told).toMatch(/is from another authority than this cluster's/);
});

test('a handshake that began before there was a further authority is done as any other', async () => {
  const next = TestAuthority.make(Date.now(), authority);
  const member = await running();
  const between = await holding(member.listener.port);
  const told = facts(caller(between.port, authority.credentials(node)));
  await between.held;
  member.renew([authority, next], next.credentials({ kind: 'member', id: 1 }));
  between.release();
  expect(await told).toMatchObject({ subject: node });
});
