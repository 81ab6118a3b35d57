import { once } from 'node:events';
import { specToProto } from '@cell/job/wire';
import {
  AllocationService,
  AllocationState,
  ControlPlaneService,
  DrillService,
  FleetService,
  JobService,
  NodeService,
  NodeStatus,
  Severity,
  type StreamEventsResponse,
} from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addJob, addNode, kinds, place, report } from '../execute/testing/example-fleet.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { PaperMember } from './testing/paper-member.ts';

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
});

afterEach(() => member.stop());

function coded(code: string, message: RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

const nobody = { leaderId: 0, leading: false, term: 2 };

test('a job is planned, submitted, listed and stopped', async () => {
  addNode(member.consensus, 'n1');
  const spec = specToProto(exampleSpec({ name: 'web', count: 2 }));
  const planned = await member.call(JobService.method.planJob, { spec });
  expect(planned).toMatchObject({ index: 0n, unchanged: false, version: 1n });
  expect(planned.actions.map(({ kind, nodeName }) => `${kind} ${nodeName}`)).toEqual(['place n1', 'place n1']);
  expect(kinds(member.consensus)).toEqual(['register-node']);
  const submitted = await member.call(JobService.method.submitJob, { spec, expectedIndex: 0n });
  expect(submitted).toMatchObject({ version: 1n, index: 2n, unchanged: false });
  expect(await member.call(JobService.method.submitJob, { spec })).toMatchObject({ unchanged: true, index: 2n });
  place(member.consensus, 'web', 0, 'n1');
  const { jobs } = await member.call(JobService.method.listJobs, {});
  expect(jobs.map(({ spec, version }) => `${spec?.name} ${version}`)).toEqual(['web 1']);
  const got = await member.call(JobService.method.getJob, { name: 'web' });
  expect(got.allocations.map(({ id, nodeName }) => `${id} on ${nodeName}`)).toEqual(['WEB-0-N1 on n1']);
  expect(await member.call(JobService.method.stopJob, { name: 'web' })).toMatchObject({ stopping: 1 });
  expect(await member.call(JobService.method.planJob, { spec })).toMatchObject({ unchanged: false, index: 5n });
});

test('a changed job shows the changed fields', async () => {
  addJob(member.consensus, 'web', 2);
  const changed = exampleSpec({ name: 'web', count: 4, resources: { cpuMillis: 10, memoryMib: 1 }, ports: [] });
  const { fields, unchanged } = await member.call(JobService.method.planJob, { spec: specToProto(changed) });
  expect(unchanged).toBe(false);
  expect(fields).toMatchObject([{ path: 'count', before: '2', after: '4' }]);
});

test('a wrong job is refused with everything that is wrong', async () => {
  const spec = specToProto(exampleSpec({ name: 'Web!', count: 0, command: [] }));
  const submitted = member.call(JobService.method.submitJob, { spec });
  await expect(submitted).rejects.toEqual(coded('CELL_E_INVALID', /name = "Web!": .*command = .*count = 0: /s));
  const none = member.call(JobService.method.submitJob, {});
  await expect(none).rejects.toEqual(coded('CELL_E_INVALID', /specification is missing/));
});

test('a refusal by the state machine is a coded error', async () => {
  addJob(member.consensus, 'web', 2);
  const spec = specToProto(exampleSpec({ name: 'web' }));
  const submitted = member.call(JobService.method.submitJob, { spec, expectedIndex: 77n });
  await expect(submitted).rejects.toEqual(coded('CELL_E_CONFLICT', /index 77/));
  const stopped = member.call(JobService.method.stopJob, { name: 'nope' });
  await expect(stopped).rejects.toEqual(coded('CELL_E_NOT_FOUND', /nope/));
});

test('without a leader fresh reads and writes are refused and say why; stale reads are answered', async () => {
  addNode(member.consensus, 'n1');
  member.consensus.lead(nobody);
  member.reachable = new Set([1]);
  const fresh = member.call(NodeService.method.listNodes, {});
  const why =
    /no leader: member 1 reaches 1 of 3 members, itself included, and a leader needs 2; start .* 2, 3; "cellctl fleet status", and "--stale"/;
  await expect(fresh).rejects.toEqual(coded('CELL_E_NO_LEADER', why));
  const write = member.call(DrillService.method.writeMark, { drillId: 'd', sequence: 0n });
  await expect(write).rejects.toEqual(coded('CELL_E_NO_LEADER', /nothing was written/));
  const { nodes } = await member.call(NodeService.method.listNodes, { stale: true });
  expect(nodes).toMatchObject([{ name: 'n1', status: NodeStatus.READY }]);
});

test('an error that is not ours to explain tells an id and nothing else', async () => {
  member.consensus.readBarrier = () => Promise.reject(new Error('the secret inside'));
  const error = await member.call(NodeService.method.listNodes, {}).catch((reason: unknown) => reason);
  expect(error).toEqual(coded('CELL_E_INTERNAL', /its log tells why under error id "[0-9a-f-]{36}"/));
  expect(String(error)).not.toContain('secret');
});

test('the fleet status without a leader says so as a critical problem', async () => {
  addNode(member.consensus, 'n1');
  member.consensus.lead(nobody);
  member.reachable = new Set([1]);
  const status = await member.call(FleetService.method.getFleetStatus, { stale: true });
  expect(status.leaderId).toBe(0n);
  expect(status.problems[0]).toMatchObject({ severity: Severity.CRITICAL, message: expect.stringMatching(/leader/) });
  expect(status.members.map(({ id, reachable }) => `${id} ${reachable}`)).toEqual(['1 true', '2 false', '3 false']);
});

test('the fleet status of a fleet that is all right has no problems', async () => {
  addNode(member.consensus, 'n1');
  addJob(member.consensus, 'web', 1);
  const id = place(member.consensus, 'web', 0, 'n1');
  const reports = [report(member.consensus, id, 'healthy')];
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  const status = await member.call(FleetService.method.getFleetStatus, {});
  expect(status.problems).toEqual([]);
  expect(status).toMatchObject({ cluster: 'paper', leaderId: 1n, nodesReady: 1, nodesLost: 0 });
  expect(status.jobs[0]?.counts).toMatchObject({ desired: 1, running: 1, healthy: 1 });
});

test('allocations are listed by job, by node, and with those that have ended only on request', async () => {
  for (const name of ['n1', 'n2']) addNode(member.consensus, name);
  addJob(member.consensus, 'web', 2);
  const first = place(member.consensus, 'web', 0, 'n1');
  place(member.consensus, 'web', 1, 'n2');
  const reports = [report(member.consensus, first, 'failed', { exitCode: 3, message: 'boom' })];
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  const list = async (request: { job?: string; node?: string; all?: boolean }) => {
    const { allocations } = await member.call(AllocationService.method.listAllocations, request);
    return allocations.map(({ id }) => id);
  };
  expect(await list({})).toEqual(['WEB-1-N2']);
  expect(await list({ all: true })).toEqual(['WEB-0-N1', 'WEB-1-N2']);
  expect(await list({ all: true, node: 'n1', job: 'web' })).toEqual(['WEB-0-N1']);
  const { allocation } = await member.call(AllocationService.method.getAllocation, { id: 'web-0' });
  expect(allocation).toMatchObject({
    state: AllocationState.FAILED,
    exitCode: 3,
    message: 'boom',
    address: '127.0.0.1',
  });
});

test('marks are written once they are durable, and listed as ranges', async () => {
  for (const sequence of [0n, 1n, 2n, 5n])
    await member.call(DrillService.method.writeMark, { drillId: 'd-1', sequence });
  const { ranges } = await member.call(DrillService.method.listMarks, { drillId: 'd-1' });
  expect(ranges).toMatchObject([
    { first: 0n, last: 2n },
    { first: 5n, last: 5n },
  ]);
  const odd = member.call(DrillService.method.writeMark, { drillId: 'a b', sequence: 0n });
  await expect(odd).rejects.toEqual(coded('CELL_E_INVALID', /1 to 64 letters/));
});

test('a crash is ordered only of the member that leads', async () => {
  const wrong = member.call(DrillService.method.crashLeader, { drillId: 'd', leaderId: 2n });
  await expect(wrong).rejects.toEqual(
    coded('CELL_E_CONFLICT', /Member 1 is the leader, not member 2; nothing was done/),
  );
  expect(member.crashes).toEqual([]);
  await member.call(DrillService.method.crashLeader, { drillId: 'd', leaderId: 1n });
  await expect.poll(() => member.crashes).toEqual(['this process']);
  member.consensus.lead({ leaderId: 3, leading: false, term: 2 });
  await member.call(DrillService.method.crashLeader, { drillId: 'd', leaderId: 3n });
  expect(member.crashes.at(-1)).toBe('member 3 for d');
  expect(() => member.served.crash('d')).toThrow(/Member 1 is not the leader/);
});

test('leadership is handed over to the member that was named', async () => {
  const transferred = await member.call(ControlPlaneService.method.transferLeadership, { to: 2n });
  expect(transferred.leaderId).toBe(2n);
  expect(member.consensus.leadership.leaderId).toBe(2);
  const unknown = member.call(ControlPlaneService.method.transferLeadership, { to: 9n });
  await expect(unknown).rejects.toEqual(coded('CELL_E_NOT_FOUND', /no member 9; the members are 1, 2, 3/));
});

test('the control plane status tells who does not answer', async () => {
  member.reachable = new Set([1, 3]);
  const status = await member.call(ControlPlaneService.method.getControlPlaneStatus, {});
  expect(status.members.map(({ id, role }) => `${id} ${role}`)).toEqual(['1 leader', '2 unreachable', '3 follower']);
  expect(status).toMatchObject({ answeredBy: 1n, leaderId: 1n, clusterId: 'c0ffee0123456789' });
});

test('events are those that are kept, and go on with follow', async () => {
  addNode(member.consensus, 'n1');
  addJob(member.consensus, 'web', 1);
  const seen: string[] = [];
  const call = member.stream(FleetService.method.streamEvents, { follow: true, limit: 1 });
  call.on('data', ({ event }: StreamEventsResponse) => seen.push(`${event?.index} ${event?.type} ${event?.subject}`));
  call.on('error', () => {});
  await expect.poll(() => seen).toEqual(['2 JobSubmitted job/web']);
  place(member.consensus, 'web', 0, 'n1');
  await expect.poll(() => seen.slice(1)).toEqual(['3 AllocationPlaced allocation/WEB-0-N1']);
  member.consensus.replaced();
  addNode(member.consensus, 'n2');
  await expect.poll(() => seen.slice(2)).toEqual(['4 NodeRegistered node/n2']);
  call.cancel();
});

test('events without follow end, also while there is no leader', async () => {
  addNode(member.consensus, 'n1');
  member.consensus.lead(nobody);
  const seen: unknown[] = [];
  const call = member.stream(FleetService.method.streamEvents, {});
  call.on('data', (message) => seen.push(message));
  await once(call, 'end');
  expect(seen.length).toBe(1);
});
