import { once } from 'node:events';
import { parseToken } from '@cell/identity';
import {
  AllocationService,
  CommandService,
  type Event,
  FleetService,
  methodDefinition,
  type StreamEventsResponse,
} from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import type { ConnectionFacts } from '../ports.ts';
import { exampleJoin } from '../state/testing/identity-arbitraries.ts';
import { GrpcAgent } from './testing/grpc-agent.ts';
import { PaperMember } from './testing/paper-member.ts';
import { person, ToldGuard, writeToken } from './testing/paper-people.ts';

let guard: ToldGuard;
let member: PaperMember;

beforeEach(async () => {
  guard = new ToldGuard();
  member = await PaperMember.start(guard);
  writeToken(member, 'join', { id: 'j1', usesLeft: 9 });
  // The last admin's can't be revoked.
  writeToken(member, 'access', { name: 'root' });
  for (const name of ['n1', 'n2']) {
    member.consensus.write({ kind: 'join-node', timeMs: 0, node: exampleJoin({ nodeId: name, name, keyHash: name }) });
    addNode(member.consensus, name);
  }
});

afterEach(() => member.stop());

const revokeNode = (id: string) => member.consensus.write({ kind: 'revoke-node', timeMs: 0, id });
const revokeToken = (id: string) => member.consensus.write({ kind: 'revoke-token', timeMs: 0, id });

function connection(kind: 'node' | 'token' | 'member', id: string): ConnectionFacts {
  const subject = kind === 'member' ? { kind, id: Number(id) } : { kind, id };
  return { address: '10.0.0.7', subject, authorityId: 'a', expiresAtMs: 1 };
}

/** A token that a caller has from now on. */
function callAs(name: string, expiresAtMs?: number): string {
  const { id } = parseToken(writeToken(member, 'access', { name, expiresAtMs }), 'access');
  guard.caller = person({ tokenId: id, name });
  return id;
}

/** A stream of events, once it has begun. */
async function follow() {
  const events: Event[] = [];
  const call = member.stream(FleetService.method.streamEvents, { follow: true });
  const ended = new Promise<string>((resolve) => {
    call.on('error', (error) => resolve(`${answeredError(error)?.code}: ${answeredError(error)?.message}`));
    call.on('end', () => resolve('end'));
  });
  call.on('data', ({ event }: StreamEventsResponse) => events.push(event!));
  await expect.poll(() => events.length).toBeGreaterThan(0);
  return { call, events, ended };
}

test('the session of a node that is revoked ends at once, and the others go on', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  const other = await GrpcAgent.connected(member, 'n2');
  member.connected = [connection('node', 'n1'), connection('node', 'n2'), connection('member', '1')];
  revokeNode('n1');
  // At once means: by the one who applies it, before anything else is done.
  expect(member.sessions.size).toBe(1);
  expect(member.cut).toEqual(['n1']);
  await expect.poll(() => agent.ends).toEqual(['CELL_E_FORBIDDEN']);
  expect(other.ends).toEqual([]);
});

test('a session that has not said Hello yet is ended too', async () => {
  const agent = new GrpcAgent(member, 'n1');
  agent.call.write({});
  revokeNode('n1');
  await expect.poll(() => agent.ends.length).toBe(1);
  expect(member.sessions.size).toBe(0);
});

test('a node that was revoked while this member was away is cut when it has the state', async () => {
  const agent = await GrpcAgent.connected(member, 'n1');
  member.connected = [connection('node', 'n1'), connection('node', 'n2')];
  member.consensus.silently(() => revokeNode('n1'));
  expect(agent.ends).toEqual([]);
  member.consensus.replaced();
  expect(member.cut).toEqual(['n1']);
  await expect.poll(() => agent.ends).toEqual(['CELL_E_FORBIDDEN']);
});

test('what other changes do cuts nobody', async () => {
  callAs('ann');
  member.connected = [connection('node', 'n1')];
  member.cut = ['nobody was'];
  addJob(member.consensus, 'web', 2);
  const { nodeId, keyHash, authorityId } = exampleJoin({ nodeId: 'n1', keyHash: 'n1' });
  const renewed = { nodeId, keyHash, authorityId, certificateExpiresAtMs: 7 };
  member.consensus.write({ kind: 'renew-node', timeMs: 0, node: renewed });
  expect(member.cut).toEqual(['nobody was']);
});

test('streams and connections of a token that is revoked end, and those of others go on', async () => {
  const ann = callAs('ann');
  const hers = await follow();
  const bob = callAs('bob');
  const his = await follow();
  member.connected = [connection('token', ann), connection('token', bob), connection('node', 'n1')];
  revokeToken(ann);
  expect(member.cut).toEqual([ann]);
  expect(await hers.ended).toBe('CELL_E_UNAUTHENTICATED: Token "ann" was revoked while the call went on');
  const seen = his.events.length;
  addJob(member.consensus, 'web', 2);
  await expect.poll(() => his.events.length).toBeGreaterThan(seen);
  expect(hers.events.map(({ subject }) => subject)).not.toContain('job/web');
  his.call.cancel();
});

test('a token that was revoked while this member was away ends with the state that says so', async () => {
  const ann = callAs('ann');
  const hers = await follow();
  member.consensus.silently(() => revokeToken(ann));
  member.consensus.replaced();
  expect(await hers.ended).toMatch(/^CELL_E_UNAUTHENTICATED/);
});

test('streams of a token end with it, when its time has come', async () => {
  // Long enough for the call to begin before that on a machine that has other things to do.
  callAs('ann', Date.now() + 4_000);
  const hers = await follow();
  expect(await hers.ended).toBe('CELL_E_UNAUTHENTICATED: Token "ann" has ended while the call went on');
});

test('a stream of commands takes none any more once the token is revoked', async () => {
  const ann = callAs('ann');
  const { path, requestSerialize, responseDeserialize } = methodDefinition(CommandService.method.submitCommands);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const failed = once(call, 'error');
  const mark = (sequence: bigint) => {
    const command = { case: 'writeMark', value: { drillId: 'd', sequence } } as const;
    call.write({ commands: [{ id: sequence, command }] });
  };
  const answered = once(call, 'data');
  mark(0n);
  await answered;
  revokeToken(ann);
  mark(1n);
  call.on('error', () => {});
  mark(2n);
  const [error] = await failed;
  expect(answeredError(error)?.code).toBe('CELL_E_UNAUTHENTICATED');
  // What comes after the end is for nobody: another caller's mark is the next.
  callAs('bob');
  const ask = {
    commands: [{ id: 9n, command: { case: 'writeMark', value: { drillId: 'd', sequence: 9n } } as const }],
  };
  const later = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const heard = once(later, 'data');
  later.write(ask);
  await heard;
  later.cancel();
  later.on('error', () => {});
  expect(member.consensus.state.drills.get('d')?.ranges).toEqual([
    [0, 0],
    [9, 9],
  ]);
});

test('a command that somebody runs ends with his token, at the agent too', async () => {
  const agent = await GrpcAgent.connected(member, 'n1', 'exec');
  addNode(member.consensus, 'n1', { capabilities: ['exec'] });
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'n1');
  const ann = callAs('ann');
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const failed = once(call, 'error');
  call.on('data', () => {});
  call.write({ message: { case: 'start', value: { allocationId: 'WEB-0-N1', command: ['sh'] } } });
  const served = (await agent.answerExec()).reading();
  served.write('stdout', 'hello');
  await once(call, 'data');
  revokeToken(ann);
  const [error] = await failed;
  expect(answeredError(error)?.code).toBe('CELL_E_UNAUTHENTICATED');
  expect(await served.ended).toMatch(/CANCELLED|status 1/);
});
