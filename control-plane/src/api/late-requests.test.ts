/** Requests whose headers came in time, and what they ask for only later. */
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { DescMethod } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { makeToken, parseToken, secretHash } from '@cell/identity';
import {
  CreateTokenRequestSchema,
  FleetService,
  IdentityService,
  methodDefinition,
  Role,
  StreamEventsRequestSchema,
} from '@cell/proto';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Access } from '../access/index.ts';
import { addJob, silentLog } from '../execute/testing/example-fleet.ts';
import type { Guard } from '../ports.ts';
import { exampleAuthority } from '../state/testing/identity-arbitraries.ts';
import { PaperMember, wallClock } from './testing/paper-member.ts';
import { writeToken } from './testing/paper-people.ts';

const limits = { callsPerSecond: 1_000, callsBurst: 1_000, messagesPerSecond: 1_000, messagesBurst: 1_000 };
const attempts = { failuresPerMinute: 60, failuresBurst: 60, joinsPerMinute: 60, joinsBurst: 60 };

let member: PaperMember;
let access: Access;
/** Calls that were let in. */
let entered = 0;
const ends: (() => void)[] = [];

beforeEach(async () => {
  access = new Access({
    clock: wallClock,
    log: silentLog,
    registry: new Registry(),
    connection: () => ({ address: '10.0.0.9', subject: undefined, authorityId: '', expiresAtMs: 0 }),
    limits: { ...limits, ...attempts },
    renewExpiredWithinMs: 0,
  });
  const guard: Guard = {
    enter: (method, call) => {
      const admitted = access.enter(method, call);
      entered += 1;
      return admitted;
    },
  };
  member = await PaperMember.start(guard);
  const { id, secret } = makeToken('access', member.issuer.pin);
  const free = { namespace: undefined, expiresAtMs: undefined, usesLeft: undefined, createdBy: 'test' };
  const root = { id, name: 'root', role: 'admin', secretHash: secretHash(secret), ...free } as const;
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: exampleAuthority('a1'), tokens: [root] });
  access.follow(member.consensus);
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
  access.stop();
  member.stop();
});

/** A call of which the member has the headers, and nothing else yet. */
async function begin(method: DescMethod, token: string): Promise<ClientHttp2Stream> {
  const session = connect(`http://${member.client.getChannel().getTarget().replace(/^dns:/, '')}`);
  session.on('error', () => {});
  ends.push(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': methodDefinition(method).path,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  stream.on('error', () => {});
  const before = entered;
  await expect.poll(() => entered).toBeGreaterThan(before);
  return stream;
}

/** The code that the call ends with; "ok" if it gives something before. */
function say(stream: ClientHttp2Stream, message: Uint8Array): Promise<string> {
  const answered = new Promise<string>((resolve) => {
    const told = (headers: IncomingHttpHeaders) => {
      if (headers['grpc-status'] !== undefined) resolve(headers['cell-error-code']?.toString() ?? 'ok');
    };
    stream.on('response', told);
    stream.on('trailers', told);
    stream.on('data', () => resolve('ok'));
  });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([header, message]));
  return answered;
}

const newAdmin = (name: string) =>
  toBinary(CreateTokenRequestSchema, create(CreateTokenRequestSchema, { name, role: Role.ADMIN }));
const { createToken } = IdentityService.method;
const { streamEvents } = FleetService.method;

test('a call whose token is revoked before it says what it asks for changes nothing', async () => {
  const token = writeToken(member, 'access', { name: 'thief' });
  const call = await begin(createToken, token);
  const good = await begin(createToken, writeToken(member, 'access', { name: 'other' }));
  member.consensus.write({ kind: 'revoke-token', timeMs: 0, id: parseToken(token, 'access').id });
  expect(await say(call, newAdmin('heir'))).toBe('CELL_E_UNAUTHENTICATED');
  expect([...member.consensus.state.tokens.values()].map(({ name }) => name)).not.toContain('heir');
  expect(await say(good, newAdmin('friend'))).toBe('ok');
});

test('a stream whose token is revoked before it says what it asks for gives nothing', async () => {
  addJob(member.consensus, 'web', 1);
  const token = writeToken(member, 'access', { name: 'thief' });
  const call = await begin(streamEvents, token);
  member.consensus.write({ kind: 'revoke-token', timeMs: 0, id: parseToken(token, 'access').id });
  const request = toBinary(StreamEventsRequestSchema, create(StreamEventsRequestSchema, { follow: true }));
  expect(await say(call, request)).toBe('CELL_E_UNAUTHENTICATED');
});

test('a token that ends before the call says what it asks for is good no more', async () => {
  // Long enough for the call to begin before that on a machine that has other things to do.
  const endsAtMs = Date.now() + 4_000;
  const call = await begin(createToken, writeToken(member, 'access', { name: 'short', expiresAtMs: endsAtMs }));
  await expect.poll(() => Date.now(), { timeout: 20_000 }).toBeGreaterThan(endsAtMs);
  expect(await say(call, newAdmin('heir'))).toBe('CELL_E_UNAUTHENTICATED');
});
