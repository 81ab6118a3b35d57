import { expect, test } from 'vitest';
import { affectedJobs } from './affected-jobs.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function fleetWithJobs(): PlannedFleet {
  const fleet = new PlannedFleet();
  fleet.node('n1');
  fleet.node('n2');
  fleet.submit({ count: 2 });
  fleet.submit({ name: 'exporter', type: 'system', count: 0, ports: [] });
  fleet.submit({ name: 'waiting', count: 1, resources: { cpuMillis: 3_900, memoryMib: 1 } });
  fleet.submit({ name: 'quiet', count: 1 });
  fleet.settle();
  return fleet;
}

const affected = (fleet: PlannedFleet) => [...affectedJobs(fleet.change!, fleet.tables)].sort();
const idOf = (fleet: PlannedFleet, job: string, instance = 0) =>
  [...fleet.tables.allocationsOfJob(job)].find((row) => row.instance === instance)!.id;

test('a job that people change is planned', () => {
  const fleet = fleetWithJobs();
  fleet.submit({ name: 'quiet', count: 2 });
  expect(affected(fleet)).toEqual(['quiet']);
  fleet.apply({ kind: 'stop-job', name: 'quiet' });
  expect(affected(fleet)).toEqual(['quiet']);
});

test('an allocation that ends affects its job, and those that wait for room', () => {
  const fleet = fleetWithJobs();
  fleet.report(idOf(fleet, 'quiet'), 'failed');
  expect(affected(fleet)).toEqual(['quiet', 'waiting']);
});

test('a node that comes, comes back or changes affects system jobs, and those that wait for room', () => {
  const fleet = fleetWithJobs();
  fleet.node('n3');
  expect(affected(fleet)).toEqual(['exporter', 'waiting']);
});

test('a node that is lost affects the jobs that ran there too', () => {
  const fleet = fleetWithJobs();
  const nodeOfQuiet = fleet.allocation(idOf(fleet, 'quiet')).nodeId;
  fleet.lose(fleet.nodeName(nodeOfQuiet));
  expect(affected(fleet)).toEqual(['exporter', 'quiet', 'waiting', 'web']);
});

test('an instance that becomes healthy affects its job only during a rollout', () => {
  const fleet = fleetWithJobs();
  fleet.report(idOf(fleet, 'web'), 'unhealthy');
  expect(affected(fleet)).toEqual([]);
  fleet.report(idOf(fleet, 'web'), 'healthy');
  expect(affected(fleet)).toEqual([]);
  fleet.submit({ count: 2, command: ['other'] });
  fleet.report(idOf(fleet, 'web'), 'unhealthy');
  expect(affected(fleet)).toEqual([]);
  fleet.report(idOf(fleet, 'web'), 'healthy');
  expect(affected(fleet)).toEqual(['web']);
});

test('placing affects nothing', () => {
  const fleet = fleetWithJobs();
  fleet.submit({ name: 'new', count: 1 });
  fleet.step(['new']);
  expect(fleet.change?.allocations).toHaveLength(1);
  expect(affected(fleet)).toEqual([]);
});

test('a drain affects what is on the node, and each step of it what comes next', () => {
  const fleet = fleetWithJobs();
  const node = fleet.allocation(idOf(fleet, 'quiet')).nodeId.replace('id-', '');
  fleet.drain(node);
  expect(affected(fleet)).toContain('quiet');
  fleet.step();
  const second = [...fleet.tables.allocationsOfJob('quiet')].find(({ nodeId }) => nodeId !== `id-${node}`);
  fleet.report(second!.id, 'healthy');
  expect(affected(fleet)).toEqual(['quiet']);
  fleet.undrain(node);
  expect(affected(fleet)).toEqual(expect.arrayContaining(['exporter', 'quiet', 'web']));
});

test('room that becomes free affects what has to go off a drained node and found none', () => {
  const fleet = fleetWithJobs();
  const node = fleet.allocation(idOf(fleet, 'quiet')).nodeId.replace('id-', '');
  fleet.drain(node);
  fleet.report(idOf(fleet, 'web'), 'failed');
  expect(affected(fleet)).toEqual(expect.arrayContaining(['quiet', 'web']));
});
