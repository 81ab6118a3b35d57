import { parseToken, tokenText } from '@cell/identity';
import {
  AgentService,
  AllocationService,
  CommandService,
  FleetService,
  JobService,
  NodeService,
  PeerService,
} from '@cell/proto';
import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { toServiceError } from '../grpc-error.ts';
import type { EnteredCall } from '../ports.ts';
import { HOUR_MS, PaperAccess, RENEW_WITHIN_MS } from './testing/paper-access.ts';

const { listJobs, submitJob, stopJob } = JobService.method;
const n1 = { kind: 'node', id: 'n1' } as const;
const node = { subject: n1 };

let paper: PaperAccess;

beforeEach(() => {
  paper = PaperAccess.started();
});

/** A well-formed token that nobody made. */
function foreignToken(): string {
  return PaperAccess.started().token('admin');
}

test('a token says who calls, with its role and its namespace', () => {
  const token = paper.token('operator', { name: 'ci', namespace: 'team-a' });
  const { caller, from } = paper.enter(listJobs, { token });
  expect(caller).toMatchObject({ kind: 'person', name: 'ci', role: 'operator', namespace: 'team-a' });
  expect(from).toBe('10.0.0.9');
  expect(paper.enter(listJobs, { token: `bearer   ${token}` }).caller).toEqual(caller);
});

test('a certificate says who calls: a node, a member, or what the token can that it was issued on', () => {
  expect(paper.enter(AgentService.method.session, node).caller).toEqual({ ...n1, expired: false });
  const member = { subject: { kind: 'member', id: 2 } } as const;
  expect(paper.enter(PeerService.method.getMember, member).caller).toEqual({ kind: 'member', id: 2 });
  paper.token('viewer', { id: 'aaaaaaaaaa', name: 'ada' });
  const { caller } = paper.enter(listJobs, { subject: { kind: 'token', id: 'aaaaaaaaaa' } });
  const certificateExpiresAtMs = paper.clock.wallMs() + HOUR_MS;
  expect(caller).toMatchObject({ name: 'ada', role: 'viewer', certificateExpiresAtMs });
});

test('of a token and a certificate the token counts, also if it is no good', () => {
  const token = paper.token('viewer');
  expect(paper.enter(listJobs, { token, subject: n1 }).caller).toMatchObject({ kind: 'person' });
  paper.token('viewer', { id: 'aaaaaaaaaa', name: 'ada' });
  const subject = { kind: 'token', id: 'aaaaaaaaaa' } as const;
  expect(paper.code(listJobs, { token: foreignToken(), subject })).toBe('CELL_E_UNAUTHENTICATED');
});

test('refusals say what to do, and not whether a token exists', () => {
  const good = paper.token('admin');
  const lines = [
    ['nothing', paper.said(listJobs, {})],
    ['no bearer', paper.said(listJobs, { token: `Basic ${good}` })],
    ['cut off', paper.said(listJobs, { token: good.slice(0, -3) })],
    ['mistyped', paper.said(listJobs, { token: good.replace(/.(?=_[^_]*$)/, '7') })],
    ['to join with', paper.said(listJobs, { token: tokenText({ ...parseToken(good, 'access'), purpose: 'join' }) })],
    ['unknown', paper.said(listJobs, { token: foreignToken() })],
    ['a node for people', paper.said(listJobs, node)],
    ['a person for nodes', paper.said(AgentService.method.session, { token: good })],
    ['a person for members', paper.said(PeerService.method.crash, { token: good })],
    ['a member for people', paper.said(listJobs, { subject: { kind: 'member', id: 1 } })],
    ['a viewer that writes', paper.said(submitJob, { token: paper.token('viewer', { name: 'eve' }) })],
    [
      'a limited one that drains',
      paper.said(NodeService.method.drainNode, { token: paper.token('operator', { name: 'ci', namespace: 'a' }) }),
    ],
    ['an unknown node', paper.said(AgentService.method.session, { subject: { kind: 'node', id: 'n2' } })],
    ['an unknown token', paper.said(listJobs, { subject: { kind: 'token', id: 'zzzzzzzzzz' } })],
    ['a late member', paper.said(PeerService.method.getMember, { subject: { kind: 'member', id: 2 }, validMs: -1 })],
    ['a long late node', paper.said(AgentService.method.session, { ...node, validMs: -RENEW_WITHIN_MS })],
    ['a late node', paper.said(AgentService.method.session, { ...node, validMs: -1 })],
    [
      'member 2 as member 3',
      paper.said(PeerService.method.getMember, {
        subject: { kind: 'member', id: 2 },
        metadata: { 'cell-member-id': '3' },
      }),
    ],
  ];
  expect(lines.map((line) => line.join(' -> ')).join('\n')).toMatchInlineSnapshot(`
    "nothing -> CELL_E_UNAUTHENTICATED: The call does not say who makes it: log in with "cellctl login", or give a token ("cellctl token create" makes one)
    no bearer -> CELL_E_UNAUTHENTICATED: The metadata "authorization" must be "Bearer" and a token
    cut off -> CELL_E_UNAUTHENTICATED: The token was copied wrongly: it is too long or too short, or has letters that no token has. Copy it again
    mistyped -> CELL_E_UNAUTHENTICATED: The token was copied wrongly: a character is missing or differs. Copy it again
    to join with -> CELL_E_UNAUTHENTICATED: This token is one to join with; one to make calls with begins with "cellkey_"
    unknown -> CELL_E_UNAUTHENTICATED: The token is not good: it may have been revoked, or be of another cluster. Ask an admin for another one
    a node for people -> CELL_E_FORBIDDEN: Node "n1" may not call JobService/ListJobs: nodes speak for themselves, and call nothing else
    a person for nodes -> CELL_E_FORBIDDEN: Token "admin" may not call AgentService/Session: only agents do
    a person for members -> CELL_E_FORBIDDEN: Token "admin" may not call PeerService/Crash: only members do
    a member for people -> CELL_E_FORBIDDEN: Member "1" may not call JobService/ListJobs: members call members only
    a viewer that writes -> CELL_E_FORBIDDEN: Token "eve" has the role "viewer", and JobService/SubmitJob needs "operator"; ask an admin for another one
    a limited one that drains -> CELL_E_FORBIDDEN: Token "ci" is limited to the namespace "a", and NodeService/DrainNode is about what all share; use one without a limit
    an unknown node -> CELL_E_STARTING: Node "n2" is not known to this member yet; try again, or another member. If it stays so: to use the machine again, give its agent an empty data folder and a new token to join with
    an unknown token -> CELL_E_UNAUTHENTICATED: The token that the certificate was issued on was revoked. Ask an admin for another one
    a late member -> CELL_E_UNAUTHENTICATED: The certificate of the connection ended at 2025-12-31T23:59:59.999Z: connect anew
    a long late node -> CELL_E_UNAUTHENTICATED: The certificate of node "n1" ended at 2025-12-25T00:00:00.000Z, too long ago; to use the machine again, give its agent an empty data folder and a new token to join with
    a late node -> CELL_E_UNAUTHENTICATED: The certificate of node "n1" has ended: it may be renewed, and nothing else done with it
    member 2 as member 3 -> CELL_E_FORBIDDEN: Member "2" speaks as member "3": its certificate is another's"
  `);
});

test('an unknown token, a revoked one, a wrong secret and one to join with are told the same', () => {
  paper.token('admin');
  const known = parseToken(paper.token('viewer'), 'access');
  const wrongSecret = tokenText({ ...known, secret: 'a'.repeat(known.secret.length) });
  const unknown = paper.said(listJobs, { token: foreignToken() });
  expect(unknown).toMatch(/^CELL_E_UNAUTHENTICATED: The token is not good/);
  expect(paper.said(listJobs, { token: tokenText(known) })).toBe('ok');
  expect(paper.said(listJobs, { token: wrongSecret })).toBe(unknown);
  const joining = paper.token('agent', { name: 'j', usesLeft: 1, expiresAtMs: paper.clock.wallMs() + HOUR_MS });
  expect(paper.said(listJobs, { token: joining })).toBe(unknown);
  paper.consensus.write({ kind: 'revoke-token', timeMs: 0, id: known.id });
  expect(paper.said(listJobs, { token: tokenText(known) })).toBe(unknown);
});

test('a token that was good is good no more once it has ended, was revoked, or is another', async () => {
  paper.token('admin');
  const ending = paper.token('viewer', { name: 'short', expiresAtMs: paper.clock.wallMs() + 1_000 });
  const revoked = paper.token('viewer', { name: 'gone' });
  for (const token of [ending, revoked]) expect(paper.code(listJobs, { token })).toBe('ok');
  paper.consensus.write({ kind: 'revoke-token', timeMs: 0, id: revoked.split('_')[1]! });
  expect(paper.code(listJobs, { token: revoked })).toBe('CELL_E_UNAUTHENTICATED');
  await paper.clock.advance(999);
  expect(paper.code(listJobs, { token: ending })).toBe('ok');
  await paper.clock.advance(1);
  expect(paper.said(listJobs, { token: ending })).toMatch(/Token "short" ended at 2026-01-01T00:00:01/);
});

test('a token that ended before it was ever shown is no good either', async () => {
  const token = paper.token('viewer', { name: 'short', expiresAtMs: paper.clock.wallMs() + 1_000 });
  await paper.clock.advance(1_000);
  expect(paper.said(listJobs, { token })).toMatch(/Token "short" ended/);
});

test('a certificate of a token ends with the token, and at its own end', async () => {
  paper.token('admin');
  paper.token('viewer', { id: 'aaaaaaaaaa', name: 'ada' });
  paper.token('viewer', { id: 'bbbbbbbbbb', name: 'bob', expiresAtMs: paper.clock.wallMs() + 1_000 });
  const short = { subject: { kind: 'token', id: 'bbbbbbbbbb' } } as const;
  expect(paper.code(listJobs, short)).toBe('ok');
  await paper.clock.advance(1_000);
  expect(paper.said(listJobs, short)).toMatch(/Token "bob" ended/);
  const subject = { kind: 'token', id: 'aaaaaaaaaa' } as const;
  expect(paper.code(listJobs, { subject })).toBe('ok');
  expect(paper.code(listJobs, { subject, validMs: 0 })).toBe('CELL_E_UNAUTHENTICATED');
  paper.consensus.write({ kind: 'revoke-token', timeMs: 0, id: 'aaaaaaaaaa' });
  expect(paper.code(listJobs, { subject })).toBe('CELL_E_UNAUTHENTICATED');
});

test('a node whose certificate has ended may renew it for a while, and nothing else', () => {
  const { renewCertificate, fetchSecrets, session, sendLogs, serveExec } = AgentService.method;
  const late = { ...node, validMs: -RENEW_WITHIN_MS + 1 };
  expect(paper.enter(renewCertificate, late).caller).toEqual({ ...n1, expired: true });
  for (const method of [fetchSecrets, session, sendLogs, serveExec]) {
    expect(paper.code(method, late), method.name).toBe('CELL_E_UNAUTHENTICATED');
  }
  expect(paper.code(renewCertificate, { ...node, validMs: -RENEW_WITHIN_MS })).toBe('CELL_E_UNAUTHENTICATED');
});

test('a revoked node and a removed member may do nothing', () => {
  paper.consensus.write({ kind: 'revoke-node', timeMs: 0, id: 'n1' });
  for (const method of AgentService.methods) {
    if (method.name !== 'Join') expect(paper.said(method, node), method.name).toMatch(/Node "n1" was revoked/);
  }
  const founder = { id: 2, grpc: 'g:1', peers: 'p:1', http: 'h:1', incarnation: 'x' };
  paper.consensus.write({ kind: 'found-members', timeMs: 0, members: [founder] });
  const member = { subject: { kind: 'member', id: 2 } } as const;
  expect(paper.code(PeerService.method.exchangeMessages, member)).toBe('ok');
  paper.consensus.write({ kind: 'remove-member', timeMs: 0, id: 2 });
  expect(paper.said(PeerService.method.exchangeMessages, member)).toMatch(/Member "2" was removed/);
});

test('before the member is in a cluster, members and those that join are let in, all others told to come again', () => {
  const early = new PaperAccess();
  expect(early.code(PeerService.method.introduce, { subject: { kind: 'member', id: 2 } })).toBe('ok');
  expect(early.code(PeerService.method.joinMember, {})).toBe('ok');
  expect(early.code(listJobs, { token: foreignToken() })).toBe('CELL_E_STARTING');
  expect(early.code(AgentService.method.session, node)).toBe('CELL_E_STARTING');
  expect(early.code(PeerService.method.introduce, {})).toBe('CELL_E_UNAUTHENTICATED');
  // In a cluster, whose first leader has not yet written who may call.
  early.access.follow(early.consensus);
  expect(early.code(listJobs, { token: foreignToken() })).toBe('CELL_E_STARTING');
  expect(early.audit()).toEqual([]);
});

test('a guesser is slowed down, and those with good tokens at the same address are not', async () => {
  const token = paper.token('viewer');
  const wrong = foreignToken();
  const codes = Array.from({ length: 25 }, () => paper.code(listJobs, { token: wrong }));
  expect(codes.slice(0, 20)).toEqual(Array(20).fill('CELL_E_UNAUTHENTICATED'));
  expect(codes.slice(20)).toEqual(Array(5).fill('CELL_E_RATE_LIMITED'));
  for (let calls = 0; calls < 100; calls += 1) expect(paper.code(listJobs, { token })).toBe('ok');
  expect(paper.code(listJobs, { token: paper.token('viewer', { name: 'new' }) })).toBe('ok');
  expect(paper.code(listJobs, { token: wrong, address: '10.0.0.10' })).toBe('CELL_E_UNAUTHENTICATED');
  await paper.clock.advance(3_000);
  expect(paper.code(listJobs, { token: wrong })).toBe('CELL_E_UNAUTHENTICATED');
  expect(paper.code(listJobs, { token: wrong })).toBe('CELL_E_RATE_LIMITED');
  expect(await paper.metric('cell_authentication_failures_total')).toEqual({ token: 28, certificate: 0 });
  expect(await paper.metric('cell_calls_refused_total')).toEqual({
    unauthenticated: 22,
    rate_limited: 6,
    forbidden: 0,
  });
});

test('all addresses of one IPv6 network are one guesser', () => {
  const wrong = foreignToken();
  const codes = Array.from({ length: 21 }, (_, host) =>
    paper.code(listJobs, { token: wrong, address: `2001:db8::${host}` }),
  );
  expect(codes.at(-1)).toBe('CELL_E_RATE_LIMITED');
  expect(paper.code(listJobs, { token: wrong, address: '2001:db8:0:1::1' })).toBe('CELL_E_UNAUTHENTICATED');
});

test('who calls too often is told when to come again; others are not slowed down', async () => {
  paper = PaperAccess.started({ callsPerSecond: 10, callsBurst: 2, joinsPerMinute: 60, joinsBurst: 1 });
  const one = paper.token('viewer');
  const other = paper.token('viewer', { name: 'other' });
  expect([1, 2, 3].map(() => paper.code(listJobs, { token: one }))).toEqual(['ok', 'ok', 'CELL_E_RATE_LIMITED']);
  expect(paper.code(listJobs, { token: one, address: '10.0.0.10' })).toBe('CELL_E_RATE_LIMITED');
  expect(paper.code(listJobs, { token: other })).toBe('ok');
  expect(paper.code(AgentService.method.session, node)).toBe('ok');
  const { join } = AgentService.method;
  expect([1, 2].map(() => paper.code(join, {}))).toEqual(['ok', 'CELL_E_RATE_LIMITED']);
  expect(paper.code(join, { address: '10.0.0.10' })).toBe('ok');
  await paper.clock.advance(100);
  expect(paper.code(listJobs, { token: one })).toBe('ok');
  for (let calls = 0; calls < 100; calls += 1) {
    expect(paper.code(PeerService.method.exchangeMessages, { subject: { kind: 'member', id: 2 } })).toBe('ok');
  }
  let pushback: unknown;
  try {
    paper.enter(listJobs, { token: one });
  } catch (error) {
    pushback = toServiceError(error).metadata?.get('grpc-retry-pushback-ms');
  }
  expect(pushback).toEqual(['100']);
});

test('a metric says since when the audit log reaches back', async () => {
  const oldest = async () => (await paper.metric('cell_audit_oldest_timestamp_seconds'))[''];
  expect(await oldest()).toBe(0);
  const first = paper.clock.wallMs() + 1_000;
  paper.said(listJobs, {});
  await paper.clock.advance(1_000);
  paper.said(listJobs, {});
  await paper.clock.advance(5_000);
  expect(await oldest()).toBe(first / 1_000);
});

/** Says so many commands on streams of an operator, one in each message; gives how many are let in by now. */
function saying(entered: EnteredCall, kind: 'stopJob' | 'writeMark', count: number): () => number {
  let passed = 0;
  const command = { case: kind, value: {} };
  for (let said = 0; said < count; said += 1) entered.admit({ commands: [{ id: 1n, command }] }, () => (passed += 1));
  return () => passed;
}

test('changes on streams count as calls do, and wait; marks of drills wait only when they are very many', async () => {
  paper = PaperAccess.started({ callsPerSecond: 10, callsBurst: 5, messagesPerSecond: 2, messagesBurst: 10 });
  const token = paper.token('operator');
  const { submitCommands } = CommandService.method;
  const stream = paper.enter(submitCommands, { token });
  const marks = saying(stream, 'writeMark', 50);
  const changes = saying(stream, 'stopJob', 10);
  expect([marks(), changes()]).toEqual([50, 4]);
  expect(paper.code(listJobs, { token })).toBe('CELL_E_RATE_LIMITED');
  await paper.clock.advance(100);
  expect(changes()).toBe(5);
  await paper.clock.advance(600);
  expect(changes()).toBe(10);
  await paper.clock.advance(500);
  const more = saying(paper.enter(submitCommands, { token }), 'writeMark', 100);
  expect(more()).toBeLessThan(70);
  await paper.clock.advance(30_000);
  expect(more()).toBe(100);
  expect(await paper.metric('cell_stream_messages_delayed_total')).toEqual({ '': expect.any(Number) });
});

test('what an agent reports counts by allocations; a member is never slowed down', async () => {
  paper = PaperAccess.started({ messagesPerSecond: 10, messagesBurst: 10 });
  const report = (count: number) => ({ message: { case: 'report', value: { allocations: Array(count).fill({}) } } });
  const session = paper.enter(AgentService.method.session, node);
  const passed: string[] = [];
  session.admit(report(30), () => passed.push('first'));
  const cancel = session.admit(report(1), () => passed.push('cancelled'));
  session.admit({ message: { case: 'heartbeat', value: {} } }, () => passed.push('heartbeat'));
  const peer = paper.enter(PeerService.method.exchangeMessages, { subject: { kind: 'member', id: 2 } });
  for (let messages = 0; messages < 100; messages += 1) peer.admit({}, () => passed.push('peer'));
  expect(passed).toEqual(['first', ...Array(100).fill('peer')]);
  cancel();
  await paper.clock.advance(2_000);
  expect(passed).toHaveLength(101);
  await paper.clock.advance(300);
  expect(passed.slice(101)).toEqual(['heartbeat']);
});

test('what is refused is in the audit log with who and how often; what only reads is not', async () => {
  const token = paper.token('viewer', { id: 'aaaaaaaaaa', name: 'eve' });
  const eve = { subject: { kind: 'token', id: 'aaaaaaaaaa' } } as const;
  expect(token).not.toBe('');
  const before = paper.audit().length;
  for (let calls = 0; calls < 3; calls += 1) paper.said(submitJob, eve);
  paper.said(NodeService.method.drainNode, node);
  paper.said(FleetService.method.getFleetStatus, { address: '10.0.0.66' });
  paper.enter(listJobs, eve).ended('ok');
  paper.enter(listJobs, eve).ended('CELL_E_NOT_FOUND');
  await paper.clock.advance(1_000);
  expect(paper.audit().slice(before)).toEqual([
    'token/eve (aaaaaaaaaa) JobService/SubmitJob from 10.0.0.9: CELL_E_FORBIDDEN x3',
    'node/n1 NodeService/DrainNode from 10.0.0.9: CELL_E_FORBIDDEN',
    'nobody FleetService/GetFleetStatus from 10.0.0.66: CELL_E_UNAUTHENTICATED',
  ]);
});

test('a call is noted once: by its command if that was applied, else by itself', async () => {
  const ci = { token: paper.token('operator', { name: 'ci' }) };
  const outcomes = ['ok', 'CELL_E_CONFLICT', 'CELL_E_NO_LEADER', 'CELL_E_OUTCOME_UNKNOWN', 'CELL_E_DISK_FULL'];
  const before = paper.audit().length;
  for (const outcome of outcomes) {
    const carried = paper.enter(submitJob, ci);
    expect(carried.note('job/web')).toMatchObject({ method: 'JobService/SubmitJob', subject: 'job/web' });
    carried.ended(outcome);
  }
  paper.enter(stopJob, ci).ended('CELL_E_NOT_FOUND');
  await paper.clock.advance(1_000);
  const noted = paper.audit().slice(before);
  expect(noted.map((line) => line.replace(/^.* (JobService.*) from 10.0.0.9/, '$1'))).toEqual([
    'JobService/SubmitJob job/web: CELL_E_NO_LEADER',
    'JobService/SubmitJob job/web: CELL_E_OUTCOME_UNKNOWN',
    'JobService/SubmitJob job/web: CELL_E_DISK_FULL',
    'JobService/StopJob: CELL_E_NOT_FOUND',
  ]);
  const lines = paper.lines.filter(({ audit }) => audit === true);
  expect(lines.map(({ outcome }) => outcome)).toEqual([...outcomes, 'CELL_E_NOT_FOUND']);
});

test('what takes long is noted when it begins and when it ends', async () => {
  const ci = { token: paper.token('operator', { name: 'ci' }) };
  const before = paper.audit().length;
  const entered = paper.enter(AllocationService.method.exec, ci);
  entered.begun('allocation/A (web/0)');
  await paper.clock.advance(1_000);
  expect(paper.audit().slice(before)).toEqual([expect.stringMatching(/Exec allocation.* from 10.0.0.9: begun$/)]);
  entered.ended('ok');
  await paper.clock.advance(1_000);
  expect(paper.audit().slice(before + 1)).toEqual([expect.stringMatching(/Exec allocation.* from 10.0.0.9: ok$/)]);
});

test('what comes by the thousand is noted by its commands, and when it is refused', async () => {
  const ci = { token: paper.token('operator', { name: 'ci' }) };
  const before = paper.audit().length;
  const stream = paper.enter(CommandService.method.submitCommands, ci);
  for (let commands = 0; commands < 10; commands += 1) stream.part().ended('ok');
  const carried = stream.part();
  carried.note('job/web');
  carried.ended('ok');
  stream.part().ended('CELL_E_FORBIDDEN');
  stream.ended('ok');
  await paper.clock.advance(1_000);
  expect(paper.audit().slice(before)).toEqual([expect.stringMatching(/SubmitCommands from .*: CELL_E_FORBIDDEN$/)]);
});

test('secrets are in no line and no entry', async () => {
  const token = paper.token('operator', { name: 'ci' });
  const secret = token.split('_')[2]!;
  paper.enter(submitJob, { token }).ended('CELL_E_INVALID');
  paper.said(NodeService.method.revokeNode, { token });
  paper.said(listJobs, { token: token.slice(0, -2) });
  await paper.clock.advance(1_000);
  expect(JSON.stringify(paper.lines)).not.toContain(secret);
  expect(JSON.stringify(paper.consensus.commands)).not.toContain(secret);
  expect(paper.lines.length).toBeGreaterThan(2);
});

test('what fails inside lets nobody in', () => {
  const broken = new CellError('CELL_E_INTERNAL', 'broken');
  Object.defineProperty(paper.consensus.tables, 'tokens', {
    get: () => {
      throw broken;
    },
  });
  expect(paper.code(AllocationService.method.exec, { token: foreignToken() })).toBe('CELL_E_INTERNAL');
});
