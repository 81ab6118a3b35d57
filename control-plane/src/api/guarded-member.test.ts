/** The services behind the guard of the product, over gRPC: what a stranger, a guesser and a limited token get. */
import { makeToken, secretHash, tokenText } from '@cell/identity';
import {
  AgentService,
  callUnary,
  FleetService,
  IdentityService,
  JobService,
  methodDefinition,
  Role,
} from '@cell/proto';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Access } from '../access/index.ts';
import { CellError } from '../cell-error.ts';
import { silentLog } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import type { ConnectionFacts } from '../ports.ts';
import { exampleAuthority } from '../state/testing/identity-arbitraries.ts';
import { PaperMember, wallClock } from './testing/paper-member.ts';
import { nodeKey, writeToken } from './testing/paper-people.ts';

const PIN = 'ab'.repeat(32);
const limits = { callsPerSecond: 1_000, callsBurst: 50, failuresPerMinute: 0.001, failuresBurst: 3 };
const unlimited = { messagesPerSecond: 10_000, messagesBurst: 20_000, joinsPerMinute: 60, joinsBurst: 60 };

/** Far more than a call takes, also on a machine that has other things to do. */
const CALL_MS_MAX = 20_000;

let member: PaperMember;
let access: Access;
let admin: string;
/** Of all connections. */
let connection: () => ConnectionFacts;

beforeEach(async () => {
  connection = () => ({ address: '10.0.0.9', subject: undefined, authorityId: '', expiresAtMs: 0 });
  access = new Access({
    clock: wallClock,
    log: silentLog,
    registry: new Registry(),
    connection: () => connection(),
    limits: { ...limits, ...unlimited },
    renewExpiredWithinMs: 0,
  });
  member = await PaperMember.start(access);
  const token = makeToken('access', PIN);
  admin = tokenText(token);
  const row = { id: token.id, name: 'root', role: 'admin', secretHash: secretHash(token.secret) } as const;
  const free = { namespace: undefined, expiresAtMs: undefined, usesLeft: undefined, createdBy: 'test' };
  const authority = exampleAuthority('a1');
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority, tokens: [{ ...row, ...free }] });
  access.follow(member.consensus);
});

afterEach(() => {
  access.stop();
  return member.stop();
});

function bearing(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

async function listJobs(token?: string): Promise<ServiceError | 'ok'> {
  const options = { deadline: Date.now() + CALL_MS_MAX };
  return callUnary(member.client, JobService.method.listJobs, {}, bearing(token), options).then(
    () => 'ok' as const,
    (error: ServiceError) => error,
  );
}

test('a call without a token is refused with a status and a code that say so', async () => {
  const error = (await listJobs()) as ServiceError;
  expect(error.code).toBe(status.UNAUTHENTICATED);
  expect(answeredError(error)).toMatchObject({ code: 'CELL_E_UNAUTHENTICATED' });
  expect(await listJobs(admin)).toBe('ok');
});

test('a guesser at speed is told to wait, and whoever has a good token works on beside it', async () => {
  const wrong = Array.from({ length: 200 }, () => tokenText(makeToken('access', PIN)));
  const both = await Promise.all(
    wrong.map(async (token, place) => [await listJobs(token), place % 10 === 0 ? await listJobs(admin) : 'ok']),
  );
  const refusals = both.map(([guess]) => (guess as ServiceError).code);
  expect(refusals.filter((code) => code === status.UNAUTHENTICATED)).toHaveLength(limits.failuresBurst);
  expect(refusals.filter((code) => code === status.RESOURCE_EXHAUSTED)).toHaveLength(200 - limits.failuresBurst);
  expect(both.every(([, good]) => good === 'ok')).toBe(true);
  const limited = both.map(([guess]) => guess as ServiceError).find(({ code }) => code === status.RESOURCE_EXHAUSTED);
  const [pushback] = limited!.metadata.get('grpc-retry-pushback-ms');
  expect(Number(pushback)).toBeGreaterThan(60_000);
  const noted = () => {
    const counts: Record<string, number> = {};
    for (const { outcome, count } of member.consensus.state.audit) counts[outcome] = (counts[outcome] ?? 0) + count;
    return counts;
  };
  const counts = { CELL_E_UNAUTHENTICATED: limits.failuresBurst, CELL_E_RATE_LIMITED: 200 - limits.failuresBurst };
  await expect.poll(noted, { timeout: 10_000 }).toEqual(counts);
});

test('a stream that is refused gives nothing, and its refusal is coded', async () => {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(FleetService.method.streamEvents);
  const call = member.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, bearing('x'));
  const seen: unknown[] = [];
  call.on('data', (event) => seen.push(event));
  const error = await new Promise((resolve) => {
    call.on('error', resolve);
  });
  expect(answeredError(error)).toMatchObject({ code: 'CELL_E_UNAUTHENTICATED' });
  expect(seen).toEqual([]);
});

test('a token that a caller made can be used at once, and no more once it is revoked', async () => {
  const asked = { name: 'eve', role: Role.VIEWER, ttlSeconds: 60n };
  const options = { deadline: Date.now() + CALL_MS_MAX };
  const { createToken, revokeToken } = IdentityService.method;
  const { text } = await callUnary(member.client, createToken, asked, bearing(admin), options);
  expect(await listJobs(text)).toBe('ok');
  await callUnary(member.client, revokeToken, { token: 'eve' }, bearing(admin), options);
  expect((await listJobs(text)) as ServiceError).toMatchObject({ code: status.UNAUTHENTICATED });
  expect(member.consensus.state.audit.filter(({ outcome }) => outcome === 'ok')).toMatchObject([
    { method: 'IdentityService/CreateToken', actor: expect.stringMatching(/^token\/root /) },
    { method: 'IdentityService/RevokeToken', actor: expect.stringMatching(/^token\/root /) },
  ]);
});

test('who was not let in is told with why, but not to tokens that are limited to a namespace', async () => {
  const options = { deadline: Date.now() + CALL_MS_MAX };
  const good = connection;
  const token = writeToken(member, 'join', { usesLeft: 0 });
  const joining = { token, nodeId: 'n9', nodeName: 'nine', ...nodeKey('n9') };
  await expect(
    callUnary(member.client, AgentService.method.join, joining, bearing(undefined), options),
  ).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  connection = () => {
    throw new CellError('CELL_E_UNAUTHENTICATED', 'Of another cluster', { refusal: 'certificate-untrusted' });
  };
  const { renewCertificate } = AgentService.method;
  await expect(
    callUnary(member.client, renewCertificate, nodeKey('n9'), bearing(undefined), options),
  ).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  connection = good;
  const refused = async (as: string) => {
    const answer = await callUnary(member.client, FleetService.method.getFleetStatus, {}, bearing(as), options);
    return answer.refused.map(({ kind, cause, lastFrom, goesOn }) => `${kind} ${cause} ${lastFrom} ${goesOn}`).sort();
  };
  await expect.poll(() => refused(admin), { timeout: 10_000 }).toHaveLength(2);
  expect(await refused(admin)).toEqual([
    'agent certificate-untrusted 127.0.0.1 true',
    'agent token-used-up 10.0.0.9 true',
  ]);
  expect(await refused(writeToken(member, 'access', { role: 'viewer' }))).toHaveLength(2);
  expect(await refused(writeToken(member, 'access', { role: 'viewer', namespace: 'team-a' }))).toEqual([]);
});
