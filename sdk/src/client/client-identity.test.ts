/** Over real TLS: who is called, who calls, and what is told to whom. */
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { CellApiError } from './cell-api-error.ts';
import type { Identity } from './client-identity.ts';
import { type CellClient, connect } from './connect.ts';
import { requestCertificate } from './request-certificate.ts';
import { type FakeCluster, makeFakeCluster } from './testing/fake-cluster.ts';
import {
  codedError,
  type FakeControlPlane,
  type FakeHandlers,
  startFakeControlPlane,
} from './testing/fake-control-plane.ts';

const HOUR_MS = 3_600_000;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const cluster = makeFakeCluster();
const other = makeFakeCluster();

async function member(handlers: FakeHandlers, of: FakeCluster = cluster, credentials = of.security.credentials) {
  const started: FakeControlPlane = await startFakeControlPlane(handlers, { ...of.security, credentials });
  ends.push(() => started.end());
  return started;
}

function client(members: readonly { readonly address: string }[], identity: Identity, timeoutMs = 5_000): CellClient {
  const made = connect({ addresses: members.map(({ address }) => address), timeoutMs, identity });
  ends.push(() => made.close());
  return made;
}

async function errorOf(work: Promise<unknown>): Promise<CellApiError> {
  return (await work.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => error,
  )) as CellApiError;
}

/** Everything that could hold a secret and reach a log or a screen. */
function shown(error: Error | undefined): string {
  if (error === undefined) return '';
  return [error.message, error.stack, JSON.stringify(error), shown(error.cause as Error | undefined)].join('\n');
}

const listNodes = () => ({ index: 7n });

test('a token is enough: whom to trust is known by its pin, and it goes with every call', async () => {
  const seen: string[] = [];
  const alive = await member({
    listNodes: (_request, _signal, metadata) => {
      seen.push(String(metadata.get('authorization')[0]));
      return { index: 7n };
    },
    streamEvents: async function* (_request, _signal, metadata) {
      seen.push(String(metadata.get('authorization')[0]));
      yield { event: { type: 'NodeLost' } };
    },
  });
  const calling = client([alive], { token: ` ${cluster.token}\n` });
  expect((await calling.nodes.listNodes({})).index).toBe(7n);
  for await (const _ of calling.fleet.streamEvents({})) break;
  expect(seen).toEqual([`Bearer ${cluster.token}`, `Bearer ${cluster.token}`]);
});

test('a token never reaches a control plane that it does not pin', async () => {
  const stranger = await member({ listNodes }, other);
  const error = await errorOf(client([stranger], { token: cluster.token }).nodes.listNodes({}));
  expect(error).toMatchObject({ code: 'CELL_E_UNTRUSTED', reached: false });
  expect(stranger.calls).toEqual([]);
  expect(shown(error)).not.toContain(cluster.token.split('_')[2]);
});

test.each<[string, () => FakeCluster['security']['credentials'], string]>([
  ['of another authority', () => other.security.credentials, 'CELL_E_UNTRUSTED'],
  [
    'that has ended',
    () => cluster.authority.credentials({ kind: 'member', id: 1 }, { endsAtMs: Date.now() - 1_000 }),
    'CELL_E_CERTIFICATE_EXPIRED',
  ],
  [
    'that begins later',
    () => cluster.authority.credentials({ kind: 'member', id: 1 }, { beginsAtMs: Date.now() + HOUR_MS / 2 }),
    'CELL_E_CLOCK_SKEW',
  ],
  ['of a node', () => cluster.authority.credentials({ kind: 'node', id: 'a' }), 'CELL_E_WRONG_PEER'],
])(
  'a server with a certificate %s is told apart from one that is gone, by calls and streams',
  async (_what, of, code) => {
    const wrong = await member({ listNodes, streamEvents: async function* () {} }, cluster, of());
    const identity = { token: cluster.token, trust: [cluster.authority.certificate] };
    const calling = client([wrong], identity);
    expect(await errorOf(calling.nodes.listNodes({}))).toMatchObject({ code, reached: false });
    const stream = calling.fleet.streamEvents({})[Symbol.asyncIterator]();
    expect(await errorOf(stream.next())).toMatchObject({ code, reached: false });
    expect(await errorOf(client([wrong], { token: cluster.token }).nodes.listNodes({}))).toMatchObject({ code });
    expect(wrong.calls).toEqual([]);
  },
);

test('a member whose certificate is wrong does not keep the others from answering', async () => {
  const wrong = await member({ submitJob: () => ({ version: 1n }) }, other);
  const right = await member({ submitJob: () => ({ version: 2n }) });
  for (const trust of [undefined, [cluster.authority.certificate]]) {
    const calling = client([wrong, right], { token: cluster.token, trust });
    expect((await calling.jobs.submitJob({})).version).toBe(2n);
  }
  expect(wrong.calls).toEqual([]);
});

test('a server that does not speak TLS gets nothing', async () => {
  let got = '';
  const plain = createServer((socket) => {
    socket.on('data', (data) => {
      got += data.toString('latin1');
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    socket.on('error', () => {});
  });
  ends.push(() => plain.close());
  await new Promise<void>((done) => {
    plain.listen(0, '127.0.0.1', done);
  });
  const { port } = plain.address() as { port: number };
  const error = await errorOf(client([{ address: `127.0.0.1:${port}` }], { token: cluster.token }).nodes.listNodes({}));
  expect(['CELL_E_UNTRUSTED', 'CELL_E_UNREACHABLE']).toContain(error.code);
  expect(got).not.toContain('Bearer');
});

test('a certificate is had in the place of a token, and calls without it', async () => {
  const seen: unknown[] = [];
  const issuing = await member({
    getCaller: () => ({ token: { id: cluster.tokenId } }),
    issueCertificate: ({ publicKey }: { publicKey: Uint8Array }) => ({
      chain: cluster.authority.certificateOf({ kind: 'token', id: cluster.tokenId }, publicKey),
      trust: [cluster.authority.certificate],
      expiresAt: { seconds: 12n },
    }),
    listNodes: (_request, _signal, metadata) => {
      seen.push(...metadata.get('authorization'));
      return { index: 7n };
    },
  });
  const issued = await requestCertificate(client([issuing], { token: cluster.token }));
  expect(issued.expiresAtMs).toBe(12_000);
  const calling = client([issuing], { credentials: issued.credentials, trust: issued.trust });
  expect((await calling.nodes.listNodes({})).index).toBe(7n);
  expect(seen).toEqual([]);
});

test.each(['CELL_E_UNAUTHENTICATED', 'CELL_E_FORBIDDEN'])(
  '%s is told at once and not asked for again',
  async (code) => {
    const refuse = () => {
      throw codedError(code, 'no');
    };
    const first = await member({ listNodes: refuse });
    const second = await member({ listNodes });
    expect((await errorOf(client([first, second], { token: cluster.token }).nodes.listNodes({}))).code).toBe(code);
    expect([first.calls, second.calls]).toEqual([['listNodes'], []]);
  },
);

test('a member that says when to come again is asked again then, and not before', async () => {
  const askedAtMs: number[] = [];
  const busy = await member({
    listNodes: () => {
      askedAtMs.push(performance.now());
      if (askedAtMs.length < 3)
        throw codedError('CELL_E_RATE_LIMITED', 'too often', { 'grpc-retry-pushback-ms': '60' });
      return { index: 7n };
    },
  });
  expect((await client([busy], { token: cluster.token }).nodes.listNodes({})).index).toBe(7n);
  expect(askedAtMs).toHaveLength(3);
  expect(askedAtMs[1]! - askedAtMs[0]!).toBeGreaterThanOrEqual(59);
  expect(askedAtMs[2]! - askedAtMs[1]!).toBeGreaterThanOrEqual(59);
});

test.each<[string, string, (calling: CellClient) => Promise<unknown>]>([
  ['later than the call may take', '60000', (calling) => calling.nodes.listNodes({})],
  ['something that is no time', '-1', (calling) => calling.nodes.listNodes({})],
  ['when to come again, of a change', '10', (calling) => calling.jobs.submitJob({})],
])('a member that says %s is not asked again', async (_what, pushback, call) => {
  const refuse = () => {
    throw codedError('CELL_E_RATE_LIMITED', 'too often', { 'grpc-retry-pushback-ms': pushback });
  };
  const busy = await member({ listNodes: refuse, submitJob: refuse });
  expect((await errorOf(call(client([busy], { token: cluster.token })))).code).toBe('CELL_E_RATE_LIMITED');
  expect(busy.calls).toHaveLength(1);
});

test.each<[string, Identity]>([
  ['nothing', {}],
  ['a certificate without anybody to trust', { credentials: cluster.security.credentials }],
  ['a token that was copied wrongly', { token: `${cluster.token.slice(0, -1)}!` }],
  ['a token to join with', { token: `celljoin${cluster.token.slice('cellkey'.length)}` }],
  ['an authority that is none', { token: cluster.token, trust: ['nonsense'] }],
])('%s is no identity', (_what, identity) => {
  const secret = cluster.token.split('_')[2] as string;
  try {
    connect({ addresses: ['127.0.0.1:1'], timeoutMs: 1, identity });
    expect.unreachable('it was taken');
  } catch (error) {
    expect((error as CellApiError).code).toMatch(/^CELL_E_(INVALID|TOKEN_MALFORMED)$/);
    expect(shown(error as Error)).not.toContain(secret);
  }
});
