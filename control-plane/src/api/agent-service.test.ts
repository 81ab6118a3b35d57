import {
  AgentService,
  AllocationService,
  AllocationState,
  LogStream,
  methodDefinition,
  type Outgoing,
  type SessionRequestSchema,
  type SessionResponse,
  type StreamLogsResponse,
} from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import { PaperMember } from './testing/paper-member.ts';
import { exampleHello } from './testing/session-transcript.ts';

let member: PaperMember;
let heard: SessionResponse['message'][];
let ends: string[];

beforeEach(async () => {
  member = await PaperMember.start();
  heard = [];
  ends = [];
  addNode(member.consensus, 'n1');
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'n1');
});

afterEach(() => member.stop());

type Said = NonNullable<Outgoing<typeof SessionRequestSchema>['message']>;

function connect() {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AgentService.method.session);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.on('data', ({ message }: SessionResponse) => heard.push(message));
  call.on('error', (error) => ends.push(answeredError(error)?.code ?? String(error)));
  return { call, say: (message: Said) => call.write({ message }) };
}

async function connected() {
  const agent = connect();
  agent.say({ case: 'hello', value: exampleHello('n1') });
  await expect.poll(() => heard.map((message) => message.case)).toEqual(['welcome', 'desired']);
  return agent;
}

/** Answers the member's request for output, as an agent does. */
async function answerLogs() {
  await expect.poll(() => heard.some((message) => message.case === 'openLogs')).toBe(true);
  const request = heard.findLast((message) => message.case === 'openLogs')!;
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AgentService.method.sendLogs);
  const { promise: ended, resolve: settle } = Promise.withResolvers<string>();
  const call = member.client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) => {
    settle(error === null ? 'ok' : (answeredError(error)?.code ?? error.message));
  });
  call.write({ requestId: request.value.requestId });
  return Object.assign(call, { ended });
}

function readLogs(follow: boolean) {
  const output: string[] = [];
  const call = member.stream(AllocationService.method.streamLogs, { allocationId: 'web-0', follow });
  const ended = new Promise<string>((resolve) => {
    call.on('error', (error) => resolve(answeredError(error)?.code ?? error.message));
    call.on('end', () => resolve('end'));
  });
  call.on('data', ({ data, stream }: StreamLogsResponse) => {
    output.push(`${stream === LogStream.STDERR ? 'err' : 'out'} ${Buffer.from(data).toString()}`);
  });
  return { call, output, ended };
}

test('a session over gRPC is welcomed, told its allocations and heard', async () => {
  const { say, call } = await connected();
  expect(heard[1]).toMatchObject({ value: { complete: true, set: [{ id: 'WEB-0-N1', spec: { name: 'web' } }] } });
  const usage = { 'WEB-0-N1': { memoryBytes: 4096n, processes: 2 } };
  say({ case: 'heartbeat', value: { sequence: 1n, usage } });
  await expect.poll(() => [...member.sessions.heard()].length).toBe(1);
  const got = await member.call(AllocationService.method.getAllocation, { id: 'web-0' });
  expect(got.usage).toMatchObject({ memoryBytes: 4096n, processes: 2 });
  say({ case: 'report', value: { allocations: [{ id: 'WEB-0-N1', state: AllocationState.RUNNING }] } });
  await expect.poll(() => member.reported).toMatchObject([{ id: 'WEB-0-N1', state: 'running', nodeId: 'n1' }]);
  call.end();
  await expect.poll(() => member.sessions.size).toBe(0);
});

test('a session that is refused ends with its code', async () => {
  connect().say({ case: 'hello', value: { ...exampleHello('n1'), clusterId: 'beef' } });
  await expect.poll(() => ends).toEqual(['CELL_E_FOREIGN_CLUSTER']);
  expect(member.sessions.size).toBe(0);
});

test('a session whose agent vanishes is gone', async () => {
  const { call } = await connected();
  call.cancel();
  await expect.poll(() => member.sessions.size).toBe(0);
});

test('output comes from the agent to the reader, both streams, and ends', async () => {
  await connected();
  const reader = readLogs(false);
  const agent = await answerLogs();
  agent.write({ data: Buffer.from('one\n'), stream: LogStream.STDOUT });
  agent.write({ data: Buffer.from('two\n'), stream: LogStream.STDERR });
  agent.end();
  expect(await reader.ended).toBe('end');
  expect(reader.output).toEqual(['out one\n', 'err two\n']);
  expect(await agent.ended).toBe('ok');
});

test('output with follow comes as it is written, and the agent is told when the reader goes', async () => {
  await connected();
  const reader = readLogs(true);
  const agent = await answerLogs();
  agent.write({ data: Buffer.from('one'), stream: LogStream.STDOUT });
  await expect.poll(() => reader.output).toEqual(['out one']);
  reader.call.cancel();
  expect(await agent.ended).toBe('ok');
});

test('the reader is told when the agent goes away, or can not read', async () => {
  await connected();
  const cut = readLogs(true);
  const gone = await answerLogs();
  gone.write({ data: Buffer.from('some'), stream: LogStream.STDOUT });
  await expect.poll(() => cut.output).toEqual(['out some']);
  gone.cancel();
  expect(await cut.ended).toBe('CELL_E_NODE_UNREACHABLE');
  heard = heard.filter((message) => message.case !== 'openLogs');
  const failed = readLogs(false);
  const agent = await answerLogs();
  agent.write({ error: 'The output is gone' });
  expect(await failed.ended).toBe('CELL_E_NOT_FOUND');
});

test('a reader that does not read holds up the agent', async () => {
  await connected();
  const reader = readLogs(true);
  reader.call.pause();
  const agent = await answerLogs();
  const data = Buffer.alloc(64 * 1024, 'x');
  let taken = 0;
  for (let message = 0; message < 400; message += 1) {
    agent.write({ data, stream: LogStream.STDOUT }, () => {
      taken += 1;
    });
  }
  let before = -1;
  const standsStill = () => {
    const still = taken === before;
    before = taken;
    return still;
  };
  await expect.poll(standsStill, { interval: 200, timeout: 5_000 }).toBe(true);
  expect(taken).toBeLessThan(200);
  reader.call.resume();
  await expect.poll(() => taken, { timeout: 5_000 }).toBe(400);
  reader.call.cancel();
});

test('output of an agent at another member is relayed from there', async () => {
  member.relay = async function* (to) {
    if (to === 2) throw new CellError('CELL_E_NO_SESSION', 'not here');
    yield { data: Buffer.from('far'), stream: 'stdout' };
  };
  const reader = readLogs(false);
  expect(await reader.ended).toBe('end');
  expect(reader.output).toEqual(['out far']);
});

test('output of an agent that nobody has is refused with the name of its node', async () => {
  const reader = readLogs(false);
  expect(await reader.ended).toBe('CELL_E_NODE_UNREACHABLE');
});

test('a relay that breaks off is not begun anew at another member', async () => {
  const asked: number[] = [];
  member.relay = async function* (to) {
    asked.push(to);
    yield { data: Buffer.from('some'), stream: 'stdout' };
    throw new CellError('CELL_E_PEER_UNREACHABLE', 'gone');
  };
  const reader = readLogs(false);
  expect(await reader.ended).toBe('CELL_E_PEER_UNREACHABLE');
  expect(asked).toEqual([2]);
});

test('peers are told that an agent is not here', () => {
  const request = { allocationId: 'WEB-0-N1', follow: false, tailLines: undefined, stream: 'both' as const };
  expect(() => member.served.openLogs(request, new AbortController().signal)).toThrow(/no session at member 1/);
});
