/** What an agent and members say to each other, as transcripts. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AllocationReport } from '../execute/allocation-manager.ts';
import { realClock } from '../real-clock.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { silentLog } from '../testing/silent-log.ts';
import { until } from '../testing/until.ts';
import { LogSender, type ReadOutput } from './send-logs.ts';
import type { DesiredValue, OpenExecValue, OpenLogsValue, SessionHandler } from './session.ts';
import { SessionLink } from './session-link.ts';
import { FakeMember } from './testing/fake-member.ts';
import { plainSecurity } from './testing/plain-security.ts';
import type { VitalSigns } from './to-proto.ts';

const REPORT: AllocationReport = { id: 'a', state: 'healthy', message: 'm', restarts: 0, exitCode: null };
let transcript: string[];
let first: FakeMember;
let second: FakeMember;
let link: SessionLink | undefined;
let read: ReadOutput;
let applyDesired: (desired: DesiredValue) => Promise<void>;
const logs = new LogSender(silentLog);

beforeEach(async () => {
  transcript = [];
  first = new FakeMember('first', transcript);
  second = new FakeMember('second', transcript);
  await Promise.all([first.listen(), second.listen()]);
  applyDesired = () => Promise.resolve();
});
afterEach(async () => {
  await link?.close();
  link = undefined;
  first.close();
  second.close();
});

const handler: SessionHandler = {
  introduction: () => ({
    nodeId: 'n1',
    nodeName: 'node-1',
    agentVersion: '1',
    inventory: {
      cpuMillis: 1_000,
      memoryMib: 1,
      diskFreeMib: 1,
      address: '127.0.0.1',
      portFirst: 1,
      portLast: 2,
      capabilities: [],
      attributes: {},
      runtime: 'memory',
    },
    httpAddress: '',
    generation: 7,
    clusterId: 'c1',
    allocations: [REPORT],
  }),
  vitalSigns: () =>
    Promise.resolve({ health: { load: 0, memoryAvailableBytes: 0, diskFreeBytes: 0 }, usage: new Map() }),
  welcomed: ({ clusterId }) => transcript.push(`agent: welcomed to ${clusterId}`),
  confirmed: (_, leaseMs) => transcript.push(`agent: has a lease of ${leaseMs}`),
  desired: async (desired) => {
    await applyDesired(desired);
    transcript.push(`agent: takes generation ${desired.generation}`);
  },
  openLogs: ({ requestId }: OpenLogsValue, client) => void logs.send(client, requestId, (signal) => read(signal)),
  openExec: ({ requestId, start }: OpenExecValue) =>
    void transcript.push(`agent: ${requestId} asks for "${start?.command.join(' ')}" in ${start?.allocationId}`),
  trust: ({ trust, renew }) => transcript.push(`agent: shall trust ${trust.join(' ')}${renew ? ', and renew' : ''}`),
};

/** Connects to the first member first. */
function connect(clock = realClock, addresses = [first.address, second.address]): SessionLink {
  link = new SessionLink({ addresses, handler, clock, random: () => 0.999, log: silentLog, security: plainSecurity });
  link.start();
  return link;
}

const said = (line: string): Promise<true> => until(() => transcript.includes(line) || undefined);
const heartbeats = (): number => transcript.filter((line) => line.startsWith('first: heartbeat')).length;
async function moreHeartbeats(count: number): Promise<void> {
  const before = heartbeats();
  await until(() => heartbeats() >= before + count || undefined);
}

test('hello, welcome, heartbeat, lease, desired state, report', async () => {
  connect();
  await said('agent: has a lease of 10000');
  first.say({ case: 'desired', value: { generation: 8n, complete: true } });
  await said('agent: takes generation 8');
  link?.report({ ...REPORT, state: 'unhealthy' });
  await said('first: report a=5');
  expect(transcript).toEqual([
    'first: hello of node-1 generation=7 cluster="c1" [a=4]',
    'agent: welcomed to c1',
    'first: heartbeat 1',
    'agent: has a lease of 10000',
    'agent: takes generation 8',
    'first: report a=5',
  ]);
  expect(link).toMatchObject({ connected: true, sessionsTotal: 1, member: first.address });
});

test('heartbeats go on in the rhythm that the member set', async () => {
  first.heartbeatMs = 20;
  connect();
  await said('first: heartbeat 5');
});

test.each<[string, () => Promise<VitalSigns>]>([
  ['fails', () => Promise.reject(new Error('EIO'))],
  ['hangs', () => new Promise(() => {})],
])('a reading of the node that %s leaves heartbeats as they are', async (_what, vitalSigns) => {
  const clock = new FakeClock();
  link = new SessionLink({
    addresses: [first.address],
    handler: { ...handler, vitalSigns },
    clock,
    random: () => 0,
    log: silentLog,
    security: plainSecurity,
  });
  link.start();
  await said('agent: welcomed to c1');
  await until(async () => {
    await clock.advance(500);
    return transcript.includes('first: heartbeat 2') || undefined;
  });
});

test('a lease counts from when the heartbeat was sent, however late it is confirmed', async () => {
  first.confirms = false;
  const sent: number[] = [];
  const before = realClock.monotonicMs();
  link = new SessionLink({
    addresses: [first.address],
    handler: { ...handler, confirmed: (sentAtMs) => sent.push(sentAtMs) },
    clock: realClock,
    random: () => 0,
    log: silentLog,
    security: plainSecurity,
  });
  link.start();
  await said('first: heartbeat 1');
  const afterSent = realClock.monotonicMs();
  await sleep(100);
  first.say({ case: 'leaseRenewal', value: { sequence: 1n } });
  // One that never was sent entitles to nothing.
  first.say({ case: 'leaseRenewal', value: { sequence: 99n } });
  await until(() => sent.length > 0 || undefined);
  expect(sent.length).toBe(1);
  expect(sent[0]).toBeGreaterThan(before);
  expect(sent[0]).toBeLessThanOrEqual(afterSent);
});

test('a member that dies is replaced at once by another, which is told everything again', async () => {
  connect();
  await said('agent: has a lease of 10000');
  first.close();
  await said('second: hello of node-1 generation=7 cluster="c1" [a=4]');
});

test('a member that can not be reached is passed over', async () => {
  first.close();
  connect();
  await said('second: heartbeat 1');
});

test('members that were learned of are gone to when the configured one dies', async () => {
  first.members = [first.address, second.address];
  connect(realClock, [first.address]);
  await said('agent: has a lease of 10000');
  first.close();
  await said('second: heartbeat 1');
});

test('an older generation is refused, and the member that sent it is left', async () => {
  applyDesired = () => Promise.reject(new Error('an older generation is refused'));
  connect();
  await said('agent: has a lease of 10000');
  first.say({ case: 'desired', value: { generation: 6n, complete: true } });
  await said('first: session is cancelled');
  await said('second: heartbeat 1');
  expect(transcript).not.toContain('agent: takes generation 6');
});

test('a state that comes in parts is taken over once, and one that begins anew replaces what had come', async () => {
  const taken: string[] = [];
  applyDesired = async ({ generation, complete, set }) =>
    void taken.push(`${generation} ${complete} ${set.map(({ id }) => id).join(' ')}`);
  connect();
  await said('agent: has a lease of 10000');
  const say = (generation: bigint, id: string, complete: boolean, more: boolean) =>
    first.say({ case: 'desired', value: { generation, complete, more, set: [{ id }] } });
  say(8n, 'stale', true, true);
  say(9n, 'a', true, true);
  say(9n, 'b', false, true);
  say(9n, 'c', false, false);
  say(10n, 'd', false, false);
  await said('agent: takes generation 10');
  expect(taken).toEqual(['9 true a b c', '10 false d']);
});

test('changes before the whole are refused', async () => {
  connect();
  await said('agent: has a lease of 10000');
  first.say({ case: 'desired', value: { generation: 9n, complete: false } });
  await said('second: heartbeat 1');
  expect(transcript).not.toContain('agent: takes generation 9');
});

test('a member whose heartbeats nobody confirms is left after half a lease', async () => {
  first.confirms = false;
  first.leaseMs = 1_000;
  connect();
  await said('second: heartbeat 1');
  await said('first: session is cancelled');
  expect(link?.problem).toContain('No heartbeat was confirmed for 500 ms');
});

test('a member that does not answer Hello is left', async () => {
  const clock = new FakeClock();
  first.welcomes = false;
  connect(clock);
  await said('first: hello of node-1 generation=7 cluster="c1" [a=4]');
  await clock.advance(8_500);
  await said('first: session is cancelled');
});

test('a foreign cluster is tried again, slowly', async () => {
  const clock = new FakeClock();
  first.welcomes = false;
  connect(clock, [first.address]);
  const hello = 'first: hello of node-1 generation=7 cluster="c1" [a=4]';
  await said(hello);
  first.endSession(status.FAILED_PRECONDITION, 'CELL_E_FOREIGN_CLUSTER', 'Node "node-1" belongs to cluster "c2"');
  await until(() => link?.problem.includes('belongs to cluster "c2"') || undefined);
  await clock.advance(14_000);
  const hellos = (): number => transcript.filter((line) => line === hello).length;
  expect(hellos()).toBe(1);
  await clock.advance(10_000);
  await until(() => hellos() === 2 || undefined);
});

async function* chunks(
  count: number,
  bytes: number,
  taken: { count: number },
): AsyncIterable<{ stream: 'stdout'; type: 'stdout'; data: Uint8Array; cursor: string }> {
  for (; taken.count < count; taken.count += 1) {
    const data = new Uint8Array(bytes).fill(65);
    yield await Promise.resolve({ stream: 'stdout', type: 'stdout', data, cursor: `c${taken.count}` });
  }
}

const OPEN_LOGS = { case: 'openLogs', value: { requestId: 'r1', request: { allocationId: 'a' } } } as const;

test('output is sent in a stream of its own, which names the request', async () => {
  read = () => chunks(3, 2, { count: 0 });
  connect();
  await said('agent: has a lease of 10000');
  first.say(OPEN_LOGS);
  await said('first: log stream ends');
  const shown = first.logs.map(({ requestId, data, stream, cursor }) => [
    requestId,
    Buffer.from(data).toString(),
    stream,
    cursor,
  ]);
  expect(shown).toEqual([
    ['r1', '', 0, ''],
    ['', 'AA', 1, 'c0'],
    ['', 'AA', 1, 'c1'],
    ['', 'AA', 1, 'c2'],
  ]);
});

test('output that can not be read is said to be so', async () => {
  read = () => {
    throw new Error('Could not read the output of allocation "a"');
  };
  connect();
  await said('agent: has a lease of 10000');
  first.say(OPEN_LOGS);
  await said('first: log stream ends');
  expect(first.logs.at(-1)?.error).toBe('Could not read the output of allocation "a"');
});

test('a slow reader holds up its own stream and not the session', async () => {
  const taken = { count: 0 };
  first.readsLogs = false;
  first.heartbeatMs = 20;
  read = () => chunks(2_000, 65_536, taken);
  connect();
  await said('agent: has a lease of 10000');
  first.say(OPEN_LOGS);
  await said('first: log stream opens');
  await until(() => taken.count > 2 || undefined);
  // Meanwhile heartbeats go on: it is held up once nothing more is taken for five of them.
  let held = -1;
  while (held !== taken.count) {
    held = taken.count;
    await moreHeartbeats(5);
  }
  expect(held).toBeLessThan(200);
  first.resumeLogs();
  await said('first: log stream ends');
  expect(taken.count).toBe(2_000);
});

test('reading stops when the reader has gone', async () => {
  let stopped = false;
  read = async function* (signal) {
    yield { stream: 'stdout', data: new Uint8Array(1) };
    await once(signal, 'abort');
    stopped = true;
  };
  connect();
  await said('agent: has a lease of 10000');
  first.say(OPEN_LOGS);
  await until(() => first.logs.length === 2 || undefined);
  first.breakLogs();
  await until(() => stopped || undefined);
});

test('a command that is asked for is handed on', async () => {
  connect();
  await said('agent: has a lease of 10000');
  first.say({ case: 'openExec', value: { requestId: 'e1', start: { allocationId: 'a', command: ['cat', '-n'] } } });
  await said('agent: e1 asks for "cat -n" in a');
});
