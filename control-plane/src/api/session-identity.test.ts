import { once } from 'node:events';
import { AgentService, AllocationService, methodDefinition } from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import { exampleAuthority, exampleJoin, exampleJoinToken } from '../state/testing/identity-arbitraries.ts';
import { silentSessionsMax } from './session-registry.ts';
import { GrpcAgent } from './testing/grpc-agent.ts';
import { PaperMember } from './testing/paper-member.ts';
import { SessionTable } from './testing/session-transcript.ts';

let table: SessionTable;

beforeEach(() => {
  table = new SessionTable();
});

function found(): void {
  const tokens = [exampleJoinToken({ usesLeft: 9, expiresAtMs: undefined })];
  table.consensus.write({ kind: 'found-authority', timeMs: 0, authority: exampleAuthority('ca1'), tokens });
}

function rotate(after: string, next: string): void {
  const authority = exampleAuthority(next, after);
  table.consensus.write({ kind: 'rotate-authority', timeMs: 0, after, authority });
}

function joined(name: string, authorityId: string): void {
  const node = exampleJoin({ nodeId: name, name, keyHash: name, authorityId });
  table.consensus.write({ kind: 'join-node', timeMs: 0, node });
}

test('an agent that says it is another node than its certificate names is turned away, and nothing else happens', async () => {
  const agent = table.agent('n1');
  const other = table.agent('n2');
  other.hello();
  await table.said();
  agent.hello({ nodeId: 'n2', nodeName: 'n2' });
  expect(await table.said()).toBe(
    `n1 > hello
n1 < end CELL_E_FORBIDDEN: Node "n2" says that its id is "n2", and its certificate is for "n1": a node can speak only for itself. If its data folder was copied from another machine, give it a new one, and a token to join with`,
  );
  expect(table.registry.size).toBe(1);
  expect(table.consensus.state.nodes.has('n1')).toBe(false);
});

test('a node has so many sessions in which it says nothing, and takes nobody the room', async () => {
  const silent = Array.from({ length: silentSessionsMax }, () => table.agent('n1'));
  expect(() => table.agent('n1')).toThrow(expect.objectContaining({ code: 'CELL_E_OVERLOADED' }));
  expect(() => table.agent('n2')).not.toThrow();
  silent[0]!.hello();
  await table.said();
  const again = table.agent('n1');
  expect(() => table.agent('n1')).toThrow(expect.objectContaining({ code: 'CELL_E_OVERLOADED' }));
  again.session.gone();
  expect(() => table.agent('n1')).not.toThrow();
});

test('an agent is told whom to trust after the welcome, and again at each change', async () => {
  found();
  joined('n1', 'ca1');
  const agent = table.agent('n1', 'ca1');
  agent.hello();
  expect(await table.said()).toBe(
    `n1 > hello
n1 < welcome to c0ffee0123456789, heartbeat 3000, lease 10000, members 127.0.0.1:7600
n1 < trust of ca1
n1 < desired at 3, complete: nothing`,
  );
  rotate('ca1', 'ca2');
  expect(await table.said()).toBe('n1 < trust of ca1, of ca2; renew');
  const { nodeId, keyHash, certificateExpiresAtMs } = exampleJoin({ nodeId: 'n1' });
  const node = { nodeId, keyHash, certificateExpiresAtMs, authorityId: 'ca2' };
  table.consensus.write({ kind: 'renew-node', timeMs: 0, node });
  expect(await table.said()).toBe('');
  // It comes again with the new one, perhaps; if it does not, its connection is still the old one.
  table.consensus.write({ kind: 'retire-authority', timeMs: 0, id: 'ca1' });
  expect(await table.said()).toBe('n1 < trust of ca2; renew');
  const again = table.agent('n1', 'ca2');
  again.hello();
  expect(await table.said()).toContain('n1 < trust of ca2\n');
});

test('an agent whose newest certificate got lost on the way is told to renew by the one that it comes with', async () => {
  found();
  joined('n1', 'ca1');
  rotate('ca1', 'ca2');
  const { nodeId, keyHash, certificateExpiresAtMs } = exampleJoin({ nodeId: 'n1' });
  const node = { nodeId, keyHash, certificateExpiresAtMs, authorityId: 'ca2' };
  table.consensus.write({ kind: 'renew-node', timeMs: 0, node });
  table.agent('n1', 'ca1').hello();
  expect(await table.said()).toContain('n1 < trust of ca1, of ca2; renew\n');
});

test('an agent that is not welcomed yet, or reads nothing, is told the newest only', async () => {
  found();
  const agent = table.agent('n1', 'ca1');
  rotate('ca1', 'ca2');
  expect(await table.said()).toBe('');
  agent.full = true;
  agent.hello();
  expect(await table.said()).toBe(
    'n1 > hello\nn1 < welcome to c0ffee0123456789, heartbeat 3000, lease 10000, members 127.0.0.1:7600',
  );
  rotate('ca2', 'ca3');
  agent.full = false;
  agent.session.drained();
  expect(await table.said()).toMatch(/^n1 < trust of ca1, of ca2, of ca3; renew\nn1 < desired/);
});

test('agents learn of another authority by a snapshot too', async () => {
  found();
  table.agent('n1', 'ca1').hello();
  await table.said();
  table.consensus.silently(() => rotate('ca1', 'ca2'));
  table.consensus.replaced();
  expect(await table.said()).toContain('n1 < trust of ca1, of ca2; renew');
});

let member: PaperMember | undefined;
afterEach(() => member?.stop());

test('a node answers for itself only: not with output or commands that another was asked for', async () => {
  member = await PaperMember.start();
  addNode(member.consensus, 'n1', { capabilities: ['exec'] });
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'n1');
  const agent = await GrpcAgent.connected(member, 'n1', 'exec');
  const thief = new GrpcAgent(member, 'n2');
  const reader = member.stream(AllocationService.method.streamLogs, { allocationId: 'web-0' });
  const output: string[] = [];
  reader.on('data', ({ data }) => output.push(Buffer.from(data).toString()));
  const ended = once(reader, 'end');
  const { requestId } = await agent.asked('openLogs');
  const forged = thief.sendLogs(requestId);
  forged.write({ data: Buffer.from('forged') });
  expect(await forged.ended).toBe('CELL_E_NOT_FOUND');
  const sender = agent.sendLogs(requestId);
  sender.write({ data: Buffer.from('true') });
  sender.end();
  await ended;
  expect(output).toEqual(['true']);
});

test('people have no sessions, and answer nothing for nodes', async () => {
  member = await PaperMember.start();
  for (const method of [AgentService.method.session, AgentService.method.serveExec]) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    const [error] = await once(call, 'error');
    expect(answeredError(error)?.code).toBe('CELL_E_FORBIDDEN');
  }
  expect(member.sessions.size).toBe(0);
});
