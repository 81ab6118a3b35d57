import { expect, test } from 'vitest';
import { isFinal } from '../model/entities.ts';
import { drainWaits } from './drain-waits.ts';
import { jobSummary } from './job-summary.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

const n1 = (fleet: PlannedFleet) => fleet.tables.nodes.get('id-n1')!;
const on = (fleet: PlannedFleet, node: string) => fleet.living().filter((line) => line.includes(` ${node} `));
const waits = (fleet: PlannedFleet) =>
  drainWaits(fleet.tables, n1(fleet)).map(({ row, reason }) => `${row.job}/${row.instance} ${reason}`);
/** What is left of a job on n1 fails. */
function fail(fleet: PlannedFleet, job: string): void {
  const rows = [...fleet.tables.allocationsOnNode('id-n1')].filter((row) => row.job === job && !isFinal(row));
  for (const { id } of rows) fleet.report(id, 'failed', { message: 'Exit code 1' });
}

function withAgent(nodes: readonly string[]): PlannedFleet {
  const fleet = new PlannedFleet();
  for (const name of nodes) fleet.node(name);
  fleet.submit({ name: 'agent', type: 'system', count: 0, ports: [] });
  fleet.submit({ count: nodes.length });
  fleet.settle();
  return fleet;
}

test('system jobs stop last', () => {
  const fleet = withAgent(['n1', 'n2']);
  fleet.drain('n1');
  fleet.step();
  expect(waits(fleet)).toContain('agent/0 goes last, once the others have gone');
  fleet.agentsReport();
  expect(fleet.step()).toBe('\nstop web/0 v1 on n1: its replacement on another node is up\n');
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport();
  expect(n1(fleet).drain?.finishedAtMs).toBeUndefined();
  expect(fleet.step()).toBe('\nstop agent/0 v1 on n1: node "n1" is drained\n');
  fleet.agentsReport();
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
  expect(fleet.step()).toBe('nothing');
  fleet.undrain('n1');
  expect(fleet.step()).toMatch(/^\nplace agent\/0 v1 on n1: /);
});

test('system jobs that stay run on, and are not brought up to date before the node is given back', () => {
  const fleet = withAgent(['n1', 'n2']);
  fleet.drain('n1', { keepSystemJobs: true });
  fleet.settle();
  expect(n1(fleet).drain?.finishedAtMs).toBeDefined();
  expect(on(fleet, 'n1')).toEqual(['agent/0 v1 n1 healthy']);
  fleet.submit({ name: 'agent', type: 'system', count: 0, ports: [], command: ['newer'] });
  fleet.settle();
  expect(on(fleet, 'n1')).toEqual(['agent/0 v1 n1 healthy']);
  expect(on(fleet, 'n2')).toContain('agent/0 v2 n2 healthy');
  expect(jobSummary(fleet.tables, fleet.tables.jobs.get('agent')!)).toMatchObject({
    status: 'running',
    counts: { desired: 2 },
  });
  fleet.undrain('n1');
  fleet.settle();
  expect(on(fleet, 'n1')).toContain('agent/0 v2 n1 healthy');
});

test('on a node that is merely ineligible all stays, nothing comes, and what ends is replaced elsewhere', () => {
  const fleet = withAgent(['n1', 'n2']);
  fleet.setEligible('n1', false);
  expect(fleet.step()).toBe('nothing');
  fleet.submit({ name: 'more', count: 4 });
  fleet.settle();
  expect(on(fleet, 'n1')).toHaveLength(2);
  fail(fleet, 'web');
  expect(fleet.step()).toMatch(/^\nplace web\/0 v1 on n2: /);
  fail(fleet, 'agent');
  expect(fleet.step()).toBe('nothing');
  expect(jobSummary(fleet.tables, fleet.tables.jobs.get('agent')!).counts).toMatchObject({ desired: 1, failed: 0 });
  fleet.setEligible('n1', true);
  expect(fleet.step()).toMatch(/^\nplace agent\/0 v1 on n1: /);
});
