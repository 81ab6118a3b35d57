import type { JobSpec } from '@cell/job';
import { expect, test } from 'vitest';
import type { AllocationState } from '../model/entities.ts';
import { jobSummary } from './job-summary.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function placed(changes: Partial<JobSpec> = {}): PlannedFleet {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ count: 2, ports: [], ...changes });
  fleet.step();
  return fleet;
}

function summary(fleet: PlannedFleet): string {
  const { status, counts } = jobSummary(fleet.tables, fleet.tables.jobs.get('web')!);
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return [status, ...shown.map(([name, count]) => `${name} ${count}`)].join(', ');
}

const health: JobSpec['health'] = {
  type: 'tcp',
  port: 'http',
  path: '',
  command: [],
  intervalMs: 1_000,
  timeoutMs: 1_000,
  healthyThreshold: 1,
  unhealthyThreshold: 3,
  graceMs: 0,
};

const rows: readonly (readonly [AllocationState, Partial<JobSpec>, string])[] = [
  ['pending', {}, 'pending, desired 2, starting 2'],
  ['starting', {}, 'pending, desired 2, starting 2'],
  ['running', {}, 'pending, desired 2, running 2'],
  ['running', { health }, 'pending, desired 2, running 2'],
  ['healthy', {}, 'running, desired 2, running 2, healthy 2'],
  ['healthy', { health }, 'running, desired 2, running 2, healthy 2'],
  ['unhealthy', {}, 'degraded, desired 2, running 2'],
  ['failed', {}, 'pending, desired 2, failed 2'],
  ['stopped', {}, 'pending, desired 2'],
  ['complete', {}, 'complete, desired 2, complete 2'],
  ['complete', { type: 'batch' }, 'complete, desired 2, complete 2'],
  ['healthy', { type: 'batch' }, 'running, desired 2, running 2, healthy 2'],
  ['healthy', { type: 'system', count: 0 }, 'running, desired 2, running 2, healthy 2'],
];

test.each(rows)('allocations that are %s of a job with %j make it so', (state, changes, expected) => {
  const fleet = placed(changes);
  fleet.agentsReport(state);
  expect(summary(fleet)).toBe(expected);
});

test('a job is pending while one of its instances is not up', () => {
  const fleet = placed();
  fleet.agentsReport('healthy', (instance) => instance === 0);
  expect(summary(fleet)).toBe('pending, desired 2, starting 1, running 1, healthy 1');
});

test('an instance of a lost node counts as lost until it has another', () => {
  const fleet = placed();
  fleet.agentsReport();
  fleet.lose('n1');
  expect(summary(fleet)).toBe('pending, desired 2, running 1, healthy 1, lost 1');
  fleet.step();
  expect(summary(fleet)).toBe('pending, desired 2, starting 1, running 1, healthy 1');
});

test('a job with an instance that finds no node is degraded', () => {
  const fleet = placed({ count: 3, resources: { cpuMillis: 3_000, memoryMib: 64 } });
  fleet.agentsReport();
  expect(summary(fleet)).toBe('degraded, desired 3, running 2, healthy 2');
});

test('a batch job fails once an instance has failed too often, and not before', () => {
  const fleet = placed({ type: 'batch', count: 1 });
  const seen: string[] = [];
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    fleet.agentsReport('failed');
    seen.push(summary(fleet));
    fleet.step();
  }
  expect(seen).toEqual([
    ...Array.from({ length: 3 }, () => 'pending, desired 1, failed 1'),
    'failed, desired 1, failed 1',
  ]);
  expect(fleet.living()).toEqual([]);
});

test('a stopped job says what has not ended yet', () => {
  const fleet = placed();
  fleet.agentsReport();
  fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(summary(fleet)).toBe('stopped, running 2, healthy 2');
  fleet.settle();
  expect(summary(fleet)).toBe('stopped');
});

test('what an earlier run left behind does not count', () => {
  const fleet = placed({ type: 'batch' });
  fleet.agentsReport('complete');
  fleet.apply({ kind: 'stop-job', name: 'web' });
  fleet.submit({ count: 2, ports: [], type: 'batch' });
  expect(summary(fleet)).toBe('pending, desired 2');
});

test('a rollout is pending until its last instance is up', () => {
  const fleet = placed();
  fleet.agentsReport();
  fleet.submit({ count: 2, ports: [], command: ['other'] });
  expect(summary(fleet)).toBe('pending, desired 2, running 2, healthy 2');
  fleet.settle();
  expect(summary(fleet)).toBe('running, desired 2, running 2, healthy 2');
});
