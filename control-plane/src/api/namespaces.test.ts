import { specToProto } from '@cell/job/wire';
import {
  AllocationService,
  CommandService,
  DrillService,
  FleetService,
  JobService,
  methodDefinition,
  NodeService,
  type StreamEventsResponse,
  type SubmitCommandsResponse,
} from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGuard } from '../access/testing/open-guard.ts';
import { addNode, place, report } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import type { Caller } from '../ports.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { PaperMember } from './testing/paper-member.ts';
import { writeToken } from './testing/paper-people.ts';

let member: PaperMember;
let caller: Caller;

function person(namespace?: string): Caller {
  return { kind: 'person', tokenId: 't', name: 'ci', role: 'operator', namespace, certificateExpiresAtMs: undefined };
}

function spec(name: string, namespace: string) {
  return exampleSpec({ name, namespace, count: 1, resources: { cpuMillis: 10, memoryMib: 1 }, ports: [] });
}

/** One job of each of two namespaces, on the same node; calls are made by one who is limited to the first. */
beforeEach(async () => {
  member = await PaperMember.start({ enter: (method, call) => openGuard(caller).enter(method, call) });
  caller = person('team-a');
  const { consensus } = member;
  addNode(consensus, 'n1');
  for (const [name, namespace] of [
    ['web', 'team-a'],
    ['mail', 'team-b'],
  ] as const) {
    consensus.write({ kind: 'submit-job', timeMs: 0, spec: spec(name, namespace), expectedIndex: undefined });
    place(consensus, name, 0, 'n1');
  }
  consensus.write({ kind: 'write-mark', timeMs: 0, drillId: 'd', sequence: 0 });
});

afterEach(() => member.stop());

function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
}

async function events(): Promise<string[]> {
  const seen: string[] = [];
  const stream = member.stream(FleetService.method.streamEvents, {});
  for await (const { event } of stream as AsyncIterable<StreamEventsResponse>) seen.push(event?.subject ?? '');
  return seen;
}

test('lists show what is of the namespace', async () => {
  const names = async () => (await member.call(JobService.method.listJobs, {})).jobs.map(({ spec }) => spec?.name);
  const rows = async () => (await member.call(AllocationService.method.listAllocations, {})).allocations;
  const onNode = async () => (await member.call(NodeService.method.getNode, { node: 'n1' })).allocations;
  const status = async () => (await member.call(FleetService.method.getFleetStatus, {})).jobs;
  const seen = async () => [
    await names(),
    (await rows()).map(({ job }) => job),
    (await onNode()).map(({ job }) => job),
    (await status()).map(({ spec }) => spec?.name),
  ];
  expect(await seen()).toEqual([['web'], ['web'], ['web'], ['web']]);
  caller = person();
  expect(await seen()).toEqual([
    ['mail', 'web'],
    ['mail', 'web'],
    ['mail', 'web'],
    ['mail', 'web'],
  ]);
});

test('what is of another namespace can not be found, and is told of as what does not exist', async () => {
  const said = (work: Promise<unknown>) =>
    work.then(
      () => 'ok',
      (error: Error) => error.message,
    );
  const hidden = await said(member.call(JobService.method.getJob, { name: 'mail' }));
  const missing = await said(member.call(JobService.method.getJob, { name: 'nope' }));
  expect(hidden).toBe(missing.replaceAll('nope', 'mail'));
  expect(hidden).toMatch(/There is no job "mail"/);
  const { getAllocation, streamLogs } = AllocationService.method;
  expect(await code(member.call(getAllocation, { id: 'MAIL-0-N1' }))).toBe('CELL_E_NOT_FOUND');
  expect(await code(member.call(getAllocation, { id: 'MA' }))).toBe('CELL_E_NOT_FOUND');
  expect(await code(member.call(getAllocation, { id: 'WEB-0-N1' }))).toBe('ok');
  expect(await code(member.call(AllocationService.method.listAllocations, { job: 'mail' }))).toBe('CELL_E_NOT_FOUND');
  const logs = member.stream(streamLogs, { allocationId: 'MAIL-0-N1' }) as AsyncIterable<unknown>;
  const read = async () => {
    for await (const _chunk of logs);
  };
  expect(await read().catch((error: Error) => error.message)).toMatch(/There is no allocation "MAIL-0-N1"/);
});

test('what is of another namespace can not be changed, nor planned', async () => {
  const { stopJob, submitJob, planJob } = JobService.method;
  const written = member.consensus.commands.length;
  expect(await code(member.call(stopJob, { name: 'mail' }))).toBe('CELL_E_NOT_FOUND');
  const theirs = specToProto(spec('mail', 'team-b'));
  expect(await code(member.call(submitJob, { spec: theirs }))).toBe('CELL_E_FORBIDDEN');
  expect(await code(member.call(planJob, { spec: theirs }))).toBe('CELL_E_FORBIDDEN');
  const taken = specToProto(spec('mail', 'team-a'));
  expect(await code(member.call(planJob, { spec: taken }))).toBe('CELL_E_CONFLICT');
  expect(member.consensus.commands.length).toBe(written);
  expect(await code(member.call(submitJob, { spec: taken }))).toBe('CELL_E_CONFLICT');
  expect(await code(member.call(stopJob, { name: 'web' }))).toBe('ok');
  expect(member.consensus.state.jobs.get('mail')?.stopped).toBe(false);
});

test('events are of the namespace, of nodes and of members; also those of allocations', async () => {
  const reports = ['WEB-0-N1', 'MAIL-0-N1'].map((id) => report(member.consensus, id, 'failed'));
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  const seen = await events();
  expect([...new Set(seen)].sort()).toEqual(['allocation/WEB-0-N1', 'job/web', 'node/n1']);
  caller = person();
  expect(await events()).toContain('allocation/MAIL-0-N1');
});

test('of tokens only admins are told, also by events', async () => {
  writeToken(member, 'access', { name: 'ann' });
  const told = [];
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    caller = { ...person(), role } as Caller;
    const seen = await events();
    expect(seen).toContain('job/mail');
    told.push(seen.includes('token/ann'));
  }
  expect(told).toEqual([false, false, true]);
});

test('problems of other namespaces are theirs', async () => {
  const reports = ['WEB-0-N1', 'MAIL-0-N1'].map((id) => report(member.consensus, id, 'unhealthy'));
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  const { problems } = await member.call(FleetService.method.getFleetStatus, {});
  expect(problems.map(({ message }) => message).join()).toMatch(/web/);
  expect(problems.map(({ message }) => message).join()).not.toMatch(/mail/);
});

test('what nodes reserve is of all namespaces', async () => {
  const { nodes } = await member.call(NodeService.method.listNodes, {});
  expect(nodes[0]?.reserved?.cpuMillis).toBe(20);
});

test('why a drain is not over is told for jobs of the namespace only', async () => {
  const id = 'n1';
  const drain = { kind: 'drain-node', timeMs: 0, id, deadlineMs: undefined, keepSystemJobs: false } as const;
  member.consensus.write(drain);
  const waits = async () => (await member.call(NodeService.method.getNode, { node: id })).node?.drain?.waits ?? [];
  expect((await waits()).map(({ job }) => job)).toEqual(['web']);
  caller = person();
  expect((await waits()).map(({ job }) => job)).toEqual(['mail', 'web']);
});

test('a job that names a secret that is not there is neither planned nor submitted', async () => {
  const needing = specToProto(exampleSpec({ ...spec('web', 'team-a'), secrets: { key: 'database' } }));
  expect(await code(member.call(JobService.method.planJob, { spec: needing }))).toBe('CELL_E_NOT_FOUND');
  expect(await code(member.call(JobService.method.submitJob, { spec: needing }))).toBe('CELL_E_NOT_FOUND');
  const secret = { namespace: 'team-a', name: 'database', sealed: 'x', sizeBytes: 1, changedBy: 'test' };
  member.consensus.write({ kind: 'set-secret', timeMs: 0, secret });
  expect(await code(member.call(JobService.method.planJob, { spec: needing }))).toBe('ok');
  expect(await code(member.call(JobService.method.submitJob, { spec: needing }))).toBe('ok');
});

test('changes carry who asked for them; of a drill only the first mark does', async () => {
  caller = person();
  const from = member.consensus.commands.length;
  await member.call(JobService.method.stopJob, { name: 'web' });
  await member.call(NodeService.method.setNodeEligibility, { node: 'n1', eligible: false });
  await member.call(NodeService.method.drainNode, { node: 'n1' });
  await member.call(NodeService.method.undrainNode, { node: 'n1' });
  for (const sequence of [0n, 1n]) await member.call(DrillService.method.writeMark, { drillId: 'new', sequence });
  const noted = member.consensus.commands.slice(from).map(({ kind, audit }) => {
    return `${kind}: ${audit === undefined ? '-' : `${audit.actor} ${audit.method} ${audit.subject}`}`;
  });
  expect(noted).toEqual([
    'stop-job: token/ci (t) JobService/StopJob job/web',
    'set-node-eligibility: token/ci (t) NodeService/SetNodeEligibility node/n1',
    'drain-node: token/ci (t) NodeService/DrainNode node/n1',
    'undrain-node: token/ci (t) NodeService/UndrainNode node/n1',
    'write-mark: token/ci (t) DrillService/WriteMark drill/new',
    'write-mark: -',
  ]);
});

test('one token takes nobody else the room for streams', async () => {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(FleetService.method.streamEvents);
  const open = () => {
    const call = member.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { follow: true });
    return new Promise<string>((resolve) => {
      call.on('error', (error) => resolve(String(answeredError(error)?.code)));
      call.once('data', () => resolve('served'));
    });
  };
  const opened = await Promise.all(Array.from({ length: 260 }, open));
  expect(opened.filter((outcome) => outcome === 'CELL_E_OVERLOADED')).toHaveLength(10);
  caller = { ...caller, tokenId: 'another' } as Caller;
  expect(await open()).toBe('served');
});

/** What comes of a command: the code of an error. No node on paper runs any. */
function run(allocationId: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
  return new Promise((resolve) => {
    const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.on('error', (error) => resolve(String(answeredError(error)?.code)));
    call.resume();
    call.write({ message: { case: 'start', value: { allocationId, command: ['id'] } } });
  });
}

test.each([
  { sandbox: 'none' },
  { user: 'root' },
  { devices: ['/dev/sda:rw'] },
  { credentials: { key: 'shared' } },
  { environmentFiles: ['shared.env'] },
] as const)('a job of the namespace that somebody with more rights gave %j is entered by those alone', async (more) => {
  const shared = { ...spec('backup', 'team-a'), ...more };
  member.consensus.write({ kind: 'submit-job', timeMs: 0, spec: shared, expectedIndex: undefined });
  place(member.consensus, 'backup', 0, 'n1');
  expect(await run('BACKUP-0-N1')).toBe('CELL_E_FORBIDDEN');
  // Also once the job is as it may be: this instance is not.
  member.consensus.write({ kind: 'submit-job', timeMs: 0, spec: spec('backup', 'team-a'), expectedIndex: undefined });
  expect(await run('BACKUP-0-N1')).toBe('CELL_E_FORBIDDEN');
  caller = person();
  expect(await run('BACKUP-0-N1')).not.toBe('CELL_E_FORBIDDEN');
});

test('no command can be run in what is of another namespace', async () => {
  expect(await run('MAIL-0-N1')).toBe('CELL_E_NOT_FOUND');
  // Found; but no node on paper runs anything.
  expect(await run('WEB-0-N1')).not.toBe('CELL_E_NOT_FOUND');
});

test('commands of a stream are limited one by one, and carry who asked for them', async () => {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(CommandService.method.submitCommands);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const from = member.consensus.commands.length;
  const said = new Map<bigint, string>();
  call.on('data', ({ outcomes }: SubmitCommandsResponse) => {
    for (const { id, outcome } of outcomes) said.set(id, outcome.case === 'refusal' ? outcome.value.code : 'ok');
  });
  call.write({
    commands: [
      { id: 1n, command: { case: 'stopJob', value: { name: 'mail' } } },
      { id: 2n, command: { case: 'submitJob', value: { spec: specToProto(spec('new', 'team-b')) } } },
      { id: 3n, command: { case: 'writeMark', value: { drillId: 'd', sequence: 1n } } },
      { id: 4n, command: { case: 'stopJob', value: { name: 'web' } } },
    ],
  });
  call.end();
  await expect.poll(() => said.size).toBe(4);
  expect(Object.fromEntries(said)).toEqual({
    1: 'CELL_E_NOT_FOUND',
    2: 'CELL_E_FORBIDDEN',
    3: 'CELL_E_FORBIDDEN',
    4: 'ok',
  });
  const written = member.consensus.commands.slice(from).map(({ kind, audit }) => `${kind} ${audit?.method}`);
  expect(written).toEqual(['stop-job CommandService/SubmitCommands']);
});
