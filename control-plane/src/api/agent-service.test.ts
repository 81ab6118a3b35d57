import { create } from '@bufbuild/protobuf';
import {
  AllocationService,
  AllocationState,
  LogStream,
  type Outgoing,
  type StreamLogsRequestSchema,
  type StreamLogsResponse,
  UsageSchema,
} from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { addJob, addNode, place, report } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import type { LogRequest } from '../ports.ts';
import { GrpcAgent } from './testing/grpc-agent.ts';
import { PaperMember } from './testing/paper-member.ts';
import { exampleHello } from './testing/session-transcript.ts';

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
  addNode(member.consensus, 'n1');
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'n1');
});

afterEach(() => member.stop());

function readLogs(follow: boolean, more: Outgoing<typeof StreamLogsRequestSchema> = {}) {
  const output: string[] = [];
  const cursors: string[] = [];
  const call = member.stream(AllocationService.method.streamLogs, { allocationId: 'web-0', follow, ...more });
  const ended = new Promise<string>((resolve) => {
    call.on('error', (error) => resolve(answeredError(error)?.code ?? error.message));
    call.on('end', () => resolve('end'));
  });
  call.on('data', ({ data, stream, cursor }: StreamLogsResponse) => {
    if (cursor !== '') cursors.push(cursor);
    output.push(`${stream === LogStream.STDERR ? 'err' : 'out'} ${Buffer.from(data).toString()}`);
  });
  return { call, output, cursors, ended };
}

test('a session over gRPC is welcomed, told its allocations and heard', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  expect(agent.heard[1]).toMatchObject({ value: { complete: true, set: [{ id: 'WEB-0-N1', spec: { name: 'web' } }] } });
  const usage = { 'WEB-0-N1': { memoryBytes: 4096n, processes: 2 } };
  agent.say({ case: 'heartbeat', value: { sequence: 1n, usage } });
  await expect.poll(() => [...member.sessions.heard()].length).toBe(1);
  const got = await member.call(AllocationService.method.getAllocation, { id: 'web-0' });
  expect(got.usage).toMatchObject({ memoryBytes: 4096n, processes: 2 });
  agent.say({ case: 'report', value: { allocations: [{ id: 'WEB-0-N1', state: AllocationState.RUNNING }] } });
  await expect.poll(() => member.reported).toMatchObject([{ id: 'WEB-0-N1', state: 'running', nodeId: 'n1' }]);
  agent.call.end();
  await expect.poll(() => member.sessions.size).toBe(0);
});

test('a session that is refused ends with its code', async () => {
  const agent = new GrpcAgent(member);
  agent.say({ case: 'hello', value: { ...exampleHello('n1'), clusterId: 'beef' } });
  await expect.poll(() => agent.ends).toEqual(['CELL_E_FOREIGN_CLUSTER']);
  expect(member.sessions.size).toBe(0);
});

test('a session whose agent vanishes is gone', async () => {
  const { call } = await GrpcAgent.connected(member, 'n1');
  call.cancel();
  await expect.poll(() => member.sessions.size).toBe(0);
});

test('output comes from the agent to the reader, both streams, and ends', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const reader = readLogs(false);
  const sender = await agent.answerLogs();
  sender.write({ data: Buffer.from('one\n'), stream: LogStream.STDOUT });
  sender.write({ data: Buffer.from('two\n'), stream: LogStream.STDERR });
  sender.end();
  expect(await reader.ended).toBe('end');
  expect(reader.output).toEqual(['out one\n', 'err two\n']);
  expect(await sender.ended).toBe('ok');
});

test('output with follow comes as it is written, and the agent is told when the reader goes', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const reader = readLogs(true);
  const sender = await agent.answerLogs();
  sender.write({ data: Buffer.from('one'), stream: LogStream.STDOUT });
  await expect.poll(() => reader.output).toEqual(['out one']);
  reader.call.cancel();
  expect(await sender.ended).toBe('ok');
});

test('the reader is told when the agent goes away, or can not read', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const cut = readLogs(true);
  const gone = await agent.answerLogs();
  gone.write({ data: Buffer.from('some'), stream: LogStream.STDOUT });
  await expect.poll(() => cut.output).toEqual(['out some']);
  gone.cancel();
  expect(await cut.ended).toBe('CELL_E_NODE_UNREACHABLE');
  const failed = readLogs(false);
  const sender = await agent.answerLogs();
  sender.write({ error: 'The output is gone' });
  expect(await failed.ended).toBe('CELL_E_NOT_FOUND');
});

test('a reader that does not read holds up the agent', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const reader = readLogs(true);
  reader.call.pause();
  const sender = await agent.answerLogs();
  const data = Buffer.alloc(64 * 1024, 'x');
  let taken = 0;
  for (let message = 0; message < 400; message += 1) {
    sender.write({ data, stream: LogStream.STDOUT }, () => {
      taken += 1;
    });
  }
  let before = -1;
  const standsStill = () => {
    const still = taken === before;
    before = taken;
    return still;
  };
  await expect.poll(standsStill, { interval: 200 }).toBe(true);
  expect(taken).toBeLessThan(200);
  reader.call.resume();
  await expect.poll(() => taken).toBe(400);
  reader.call.cancel();
});

test('the agent is asked since when and after which place, and where it stands comes back, also without output', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const reader = readLogs(false, {
    since: { seconds: 1_700_000_000n, nanos: 250_000_000 },
    cursor: 'c1',
    tailLines: 3,
  });
  const { requestId, request } = await agent.asked('openLogs');
  expect(request).toMatchObject({ allocationId: 'WEB-0-N1', cursor: 'c1', tailLines: 3 });
  expect(request?.since).toMatchObject({ seconds: 1_700_000_000n, nanos: 250_000_000 });
  const sender = agent.sendLogs(requestId);
  sender.write({ cursor: 'c2' });
  sender.write({ data: Buffer.from('one'), stream: LogStream.STDOUT, cursor: 'c3' });
  sender.end();
  expect(await reader.ended).toBe('end');
  expect(reader.cursors).toEqual(['c2', 'c3']);
  expect(reader.output).toEqual(['out ', 'out one']);
});

test('what the agent can not do comes with its own code', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const reader = readLogs(false, { since: { seconds: 1n } });
  (await agent.answerLogs()).write({ error: 'CELL_E_UNSUPPORTED: This node does not know when lines were written' });
  expect(await reader.ended).toBe('CELL_E_UNSUPPORTED');
});

test('output of an agent at another member is relayed from there', async () => {
  let asked: LogRequest | undefined;
  member.relay = async function* (to, _signal, request) {
    if (to === 2) throw new CellError('CELL_E_NO_SESSION', 'not here');
    asked = request;
    yield { data: Buffer.from('far'), stream: 'stdout', cursor: 'c2' };
  };
  const reader = readLogs(false, { since: { seconds: 2n }, cursor: 'c1' });
  expect(await reader.ended).toBe('end');
  expect(reader).toMatchObject({ output: ['out far'], cursors: ['c2'] });
  expect(asked).toMatchObject({ allocationId: 'WEB-0-N1', sinceMs: 2_000, cursor: 'c1' });
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

async function usageHere() {
  return (await member.call(AllocationService.method.getAllocation, { id: 'web-0' })).usage;
}

test('usage is asked of all other members, and the one who knows is believed', async () => {
  const asked: number[] = [];
  member.relayUsage = async (to, allocationId) => {
    asked.push(to);
    if (to === 2) throw new CellError('CELL_E_PEER_UNREACHABLE', 'gone');
    return create(UsageSchema, { memoryBytes: allocationId === 'WEB-0-N1' ? 5n : 6n, ioReadBytes: 0n });
  };
  expect(await usageHere()).toMatchObject({ memoryBytes: 5n, ioReadBytes: 0n });
  expect(asked).toEqual([2, 3]);
});

test('usage that nobody knows, or of what has ended, is left out', async () => {
  expect(await usageHere()).toBeUndefined();
  member.relayUsage = async () => create(UsageSchema, {});
  const reports = [report(member.consensus, 'WEB-0-N1', 'failed')];
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  expect(await usageHere()).toBeUndefined();
});

test('peers are told the usage of what an agent here runs, and of nothing else', async () => {
  expect(member.served.usage('WEB-0-N1')).toBeUndefined();
  const agent = await GrpcAgent.connected(member, 'n1');
  agent.say({ case: 'heartbeat', value: { sequence: 1n, usage: { 'WEB-0-N1': { processes: 2 } } } });
  await expect.poll(() => member.served.usage('WEB-0-N1')).toMatchObject({ processes: 2 });
  expect(member.served.usage('NOPE')).toBeUndefined();
});
