/** Who believes whom, over real TLS: what authorities make against what clients and servers check. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import {
  type ChannelSecurity,
  type Credentials,
  channelCredentials,
  channelSecurityOptions,
  checkPinned,
  connectionProblem,
  fetchTrust,
  IdentityError,
  type Subject,
  TLS_VERSION,
  type Trust,
} from '@cell/identity';
import { Client, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { certificatesOf, TestAuthority } from './testing/test-authority.ts';

const HOUR_MS = 3_600_000;
const CALL_MS_MAX = 20_000;
const MEMBER: Subject = { kind: 'member', id: 1 };

const old = TestAuthority.make();
/** Signed by the old one too. */
const next = TestAuthority.make(Date.now(), old);
const last = TestAuthority.make(Date.now(), next);
const foreign = TestAuthority.make();

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A gRPC server without services: whoever gets as far as to be told so was let in. */
async function serve(own: Credentials, trust: Trust, wantsCertificate: boolean): Promise<string> {
  const server = new Server();
  const pair = { private_key: Buffer.from(own.privateKey), cert_chain: Buffer.from(own.chain) };
  const credentials = ServerCredentials.createSsl(Buffer.from(trust.join('')), [pair], wantsCertificate);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  open.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

/** "in", or the code of the problem and what is told of it. */
async function call(address: string, security: ChannelSecurity): Promise<string> {
  const client = new Client(address, channelCredentials(security), { ...channelSecurityOptions });
  open.push(() => client.close());
  const error = await new Promise<ServiceError | null>((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes;
    const options = { deadline: Date.now() + CALL_MS_MAX };
    client.makeUnaryRequest('/a/b', same, same, Buffer.alloc(0), new Metadata(), options, resolve);
  });
  return error?.code === status.UNIMPLEMENTED ? 'in' : (connectionProblem(error, address)?.code ?? String(error));
}

const members = (authority: TestAuthority, times = {}): Credentials => authority.credentials(MEMBER, times);

test('a member is believed by who trusts its authority, and only as the member that it is', async () => {
  const address = await serve(members(old), [old.certificate], false);
  const trust = [old.certificate];
  expect(await call(address, { trust })).toBe('in');
  expect(await call(address, { trust, member: 1 })).toBe('in');
  expect(await call(address, { trust, member: 2 })).toBe('CELL_E_WRONG_PEER');
  expect(await call(address, { trust: [foreign.certificate] })).toBe('CELL_E_UNTRUSTED');
});

test.each([
  ['of another authority', foreign.credentials(MEMBER), 'CELL_E_UNTRUSTED'],
  ['that has ended', members(old, { endsAtMs: Date.now() - 2000 }), 'CELL_E_CERTIFICATE_EXPIRED'],
  ['that has not begun', members(old, { beginsAtMs: Date.now() + HOUR_MS / 2 }), 'CELL_E_CLOCK_SKEW'],
  ['of a node', old.credentials({ kind: 'node', id: 'a' }), 'CELL_E_WRONG_PEER'],
  ['of a person', old.credentials({ kind: 'token', id: 'abcdefghij' }), 'CELL_E_WRONG_PEER'],
])('a server with a certificate %s is not believed', async (_, own, code) => {
  expect(await call(await serve(own, [old.certificate], false), { trust: [old.certificate] })).toBe(code);
});

test('a server that wants a certificate takes one of its authority, and says so to who has none', async () => {
  const address = await serve(members(old), [old.certificate], true);
  const trust = [old.certificate];
  expect(await call(address, { trust, credentials: old.credentials({ kind: 'node', id: 'a' }) })).toBe('in');
  expect(await call(address, { trust })).toBe('CELL_E_CERTIFICATE_REFUSED');
  expect(await call(address, { trust, credentials: foreign.credentials(MEMBER) })).not.toBe('in');
});

test('who speaks no TLS is told from who is not trusted', async () => {
  const server = new Server();
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
  });
  open.push(() => server.forceShutdown());
  expect(await call(`127.0.0.1:${port}`, { trust: [old.certificate] })).toBe('CELL_E_UNTRUSTED');
});

/** During a rotation, in both directions: who has heard of it meets who has not. */
test.each([
  ['one step', next, [old, next]],
  ['two steps', last, [old, next, last]],
])('after %s, who trusts any of the authorities believes members, and is believed', async (_, newest, trusted) => {
  const trust = trusted.map(({ certificate }) => certificate);
  const address = await serve(members(newest), trust, true);
  for (const authority of trusted) {
    const credentials = authority.credentials({ kind: 'node', id: 'a' });
    expect(await call(address, { trust: [authority.certificate], credentials })).toBe('in');
  }
  // A member that has not heard of it yet, and a node that has a certificate of the newest one.
  const behind = await serve(members(old), [old.certificate], true);
  expect(await call(behind, { trust, credentials: members(newest) })).toBe('in');
});

test('once the old authority is retired, its certificates are worth nothing, also with the chain of the new one', async () => {
  const address = await serve(members(next), [next.certificate], true);
  const trust = [next.certificate];
  const { privateKey, chain } = members(old);
  expect(await call(address, { trust, credentials: { privateKey, chain } })).not.toBe('in');
  expect(await call(await serve(members(old), [old.certificate], false), { trust })).toBe('CELL_E_UNTRUSTED');
});

/** As a member listens: it asks for certificates, and needs none. */
async function listen(own: Credentials): Promise<string> {
  const server: TlsServer = createServer({
    key: own.privateKey,
    cert: own.chain,
    minVersion: TLS_VERSION,
    ALPNProtocols: ['h2'],
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const fetched = (address: string, pin: string): Promise<Trust> => fetchTrust(address, pin, CALL_MS_MAX, Date.now());

async function problem(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (each: unknown) => each,
  );
  expect(error).toBeInstanceOf(IdentityError);
  return (error as IdentityError).code;
}

test('a pin gives the authority, with which the same member is believed', async () => {
  const trust = await fetched(await listen(members(old)), old.pin);
  expect(trust).toEqual([old.certificate]);
});

test.each([
  ['the old', old],
  ['the new', next],
])('during a rotation, a pin of %s authority gives what a member is believed with', async (_, pinned) => {
  const own = members(next);
  const trust = await fetched(await listen(own), pinned.pin);
  expect(await call(await serve(own, [old.certificate], false), { trust })).toBe('in');
  expect(await call(await serve(foreign.credentials(MEMBER), [old.certificate], false), { trust })).toBe(
    'CELL_E_UNTRUSTED',
  );
});

test('somebody in between is found out: another authority, or the right certificates beside a chain of his own', async () => {
  expect(await problem(fetched(await listen(foreign.credentials(MEMBER)), old.pin))).toBe('CELL_E_UNTRUSTED');
  const { privateKey, chain } = foreign.credentials(MEMBER);
  // The right authority's certificate is no secret: sending it proves nothing.
  const mixed = chain + old.certificate;
  expect(await problem(fetched(await listen({ privateKey, chain: mixed }), old.pin))).toBe('CELL_E_UNTRUSTED');
  const [ownLeaf] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  expect(await problem(fetched(await listen({ privateKey, chain: ownLeaf + old.certificate }), old.pin))).toBe(
    'CELL_E_UNTRUSTED',
  );
});

/** Node's own view of a chain leaves out what does not belong to it; this holds for any list. */
test('the right certificate beside a chain does not make it right, and of two for a pin the self-signed one is trusted', () => {
  const check = (chain: string, pin: string): Trust => checkPinned(certificatesOf(chain), pin, 'a:1', Date.now());
  expect(() => check(members(foreign).chain + old.certificate, old.pin)).toThrow(
    'is not the one that the token is for',
  );
  expect(check(members(old).chain, old.pin)).toEqual([old.certificate]);
  expect(check(members(next).chain + next.certificate, next.pin)).toEqual([next.certificate]);
});

test('who shows an authority whose public key is none is not the one that the token is for', () => {
  const { raw } = certificatesOf(old.certificate)[0]!;
  // The algorithm of the key (id-ecPublicKey, RFC 5480) becomes one that nobody knows.
  const at = raw.indexOf(Buffer.from('2a8648ce3d0201', 'hex'));
  raw[at + 6] = 0x7f;
  const odd = new X509Certificate(raw);
  const chain = [certificatesOf(members(old).chain)[0]!, odd];
  expect(() => odd.publicKey).toThrow();
  expect(() => checkPinned(chain, old.pin, 'a:1', Date.now())).toThrow('is not the one that the token is for');
});

test('who has a certificate of the authority, but of a node or a person, can not be the member', async () => {
  for (const subject of [{ kind: 'node', id: 'a' } as const, { kind: 'token', id: 'abcdefghij' } as const]) {
    expect(await problem(fetched(await listen(old.credentials(subject)), old.pin))).toBe('CELL_E_WRONG_PEER');
  }
});

test('clocks that differ, certificates that ended, and silence are each told', async () => {
  const early = members(old, { beginsAtMs: Date.now() + HOUR_MS / 2 });
  expect(await problem(fetched(await listen(early), old.pin))).toBe('CELL_E_CLOCK_SKEW');
  expect(await problem(fetched(await listen(members(old, { endsAtMs: Date.now() - 2000 })), old.pin))).toBe(
    'CELL_E_CERTIFICATE_EXPIRED',
  );
  const address = await listen(members(old));
  for (const close of open.splice(0)) close();
  expect(await problem(fetched(address, old.pin))).toBe('CELL_E_UNREACHABLE');
});

test('who takes the connection and never speaks TLS, or always says a little, is given up', async () => {
  const server = createPlainServer((socket) => {
    socket.on('error', () => {});
    // Beginning of a record that never ends; a byte every now and then.
    socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00, 0x02]));
    const drip = setInterval(() => socket.write(Buffer.alloc(1)), 20);
    socket.on('close', () => clearInterval(drip));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const fetching = fetchTrust(`127.0.0.1:${port}`, old.pin, 200, Date.now());
  await expect(fetching).rejects.toMatchObject({
    code: 'CELL_E_UNREACHABLE',
    message: expect.stringContaining('no answer in 200 ms'),
  });
});
