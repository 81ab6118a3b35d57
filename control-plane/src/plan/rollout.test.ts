import type { HealthCheck } from '@cell/job';
import { expect, test } from 'vitest';
import { jobSummary } from './job-summary.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function running(count: number, nodes = 3): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 1; number <= nodes; number += 1) fleet.node(`n${number}`);
  fleet.submit({ count });
  fleet.settle();
  return fleet;
}

const statusOf = (fleet: PlannedFleet) => jobSummary(fleet.tables, fleet.tables.jobs.get('web')!).status;

test('a new version replaces one instance after the other, each once the one before is healthy', () => {
  const fleet = running(3);
  fleet.submit({ count: 3, command: ['serve', 'more'] });
  const steps: string[] = [];
  for (let step = 0; step < 6; step += 1) {
    steps.push(fleet.step());
    steps.push(`then: ${fleet.step()}`);
    fleet.agentsReport();
  }
  expect(steps.join('\n')).toMatchInlineSnapshot(`
    "
    stop web/0 v1 on n1: version 2 replaces version 1

    then: nothing

    place web/0 v2 on n1: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after

    then: nothing

    stop web/1 v1 on n3: version 2 replaces version 1

    then: nothing

    place web/1 v2 on n3: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after

    then: nothing

    stop web/2 v1 on n2: version 2 replaces version 1

    then: nothing

    place web/2 v2 on n2: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after

    then: nothing"
  `);
  expect(fleet.step()).toBe('nothing');
  expect(statusOf(fleet)).toBe('running');
});

test('a rollout waits for a version with a health check to be healthy, running is not enough', () => {
  const fleet = running(2);
  const health: HealthCheck = {
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
  fleet.submit({ count: 2, health });
  fleet.step();
  fleet.agentsReport();
  fleet.step();
  fleet.agentsReport('running');
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport('healthy');
  expect(fleet.step()).toMatch(/^\nstop web\/1 v1 on n\d: version 2 replaces version 1\n$/);
});

test('a tenth of many instances is replaced at the same time', () => {
  const fleet = running(25, 5);
  fleet.submit({ count: 25, command: ['serve', 'more'] });
  expect(fleet.plan().stops).toHaveLength(2);
});

test('instances that do not work are replaced first', () => {
  const fleet = running(3);
  fleet.agentsReport('unhealthy', (instance) => instance === 2);
  fleet.submit({ count: 3, command: ['serve', 'more'] });
  expect(fleet.step()).toMatch(/^\nstop web\/2 v1 /);
});

test('a new version that fails stops the rollout, and the others run on', () => {
  const fleet = running(3);
  fleet.submit({ count: 3, command: ['serve', 'broken'] });
  fleet.step();
  fleet.agentsReport();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect(fleet.step()).toMatch(/^\nplace web\/0 v2 /);
    fleet.agentsReport('failed', (instance) => instance === 0);
  }
  expect(fleet.step().replace(/logs \w+/, 'logs ID')).toMatchInlineSnapshot(`
    "
    unplaced web: 1
      0 nodes: instance 0 failed 5 times in a row in version 2, the last time: Exit code 1
      0 nodes: the rollout of version 2 stopped; 2 instances run on in an older version
      hint: read "cellctl allocation logs ID", then run the corrected job
    "
  `);
  expect(fleet.step()).toBe('nothing');
  expect(fleet.living()).toHaveLength(2);
  expect(statusOf(fleet)).toBe('degraded');
});

test('after the planner gave up, the same job can be submitted again for a fresh start', () => {
  const fleet = running(1);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    fleet.agentsReport('failed');
    fleet.step();
  }
  expect(fleet.living()).toEqual([]);
  expect(fleet.submit({ count: 1 })).toMatchObject({ ok: true, version: 2, unchanged: false });
  expect(fleet.step()).toMatch(/^\nplace web\/0 v2 /);
});

test('a failed instance is placed where it did not fail, if it can be', () => {
  const fleet = running(1, 2);
  const before = fleet.living()[0]?.split(' ')[2];
  fleet.agentsReport('failed');
  fleet.step();
  const after = fleet.living()[0]?.split(' ')[2];
  expect(after).not.toBe(before);
  fleet.lose(before ?? '');
  fleet.agentsReport('failed');
  expect(fleet.step()).toMatch(/although it failed there before/);
});

test('being stopped in between does not give an instance more attempts', () => {
  const fleet = running(1);
  const states = ['failed', 'stopped', 'failed', 'failed', 'stopped', 'failed', 'failed'] as const;
  for (const state of states) {
    expect(fleet.living()).toHaveLength(1);
    fleet.agentsReport(state);
    fleet.step();
  }
  expect(fleet.living()).toEqual([]);
  expect(statusOf(fleet)).toBe('degraded');
});

test("failures that lie far apart don't add up", () => {
  const fleet = running(1);
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    fleet.timeMs += 3_600_000;
    fleet.agentsReport('failed');
    expect(fleet.step()).toMatch(/^\nplace web\/0 v1 /);
  }
});

test('a version that would fit nowhere replaces nothing', () => {
  const fleet = running(2);
  fleet.submit({ count: 2, resources: { cpuMillis: 500, memoryMib: 5_000 } });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    unplaced web: 1
      0 nodes: version 2 fits nowhere, also not in place of instance 0 of version 1, which runs on
      3 nodes: memory: 5000 MiB asked, 4096 MiB free at most
      hint: lower resources.memory to 4096MiB, or add a node with 5000 MiB of memory and 0.5 cores free
    "
  `);
  expect(fleet.step()).toBe('nothing');
  expect(fleet.living()).toHaveLength(2);
});

test('a version that fits only in place of the old one is rolled out', () => {
  const fleet = running(1, 1);
  fleet.submit({ count: 1, resources: { cpuMillis: 3_900, memoryMib: 4_000 }, ports: [{ name: 'http', port: 80 }] });
  fleet.settle();
  expect(fleet.living()).toEqual(['web/0 v2 n1 healthy']);
  fleet.submit({ count: 1, resources: { cpuMillis: 3_800, memoryMib: 4_000 }, ports: [{ name: 'http', port: 80 }] });
  fleet.settle();
  expect(fleet.living()).toEqual(['web/0 v3 n1 healthy']);
});

test('a bad first version does not hold up the one that mends it', () => {
  const fleet = running(3);
  fleet.agentsReport('unhealthy');
  fleet.submit({ count: 3, command: ['serve', 'mended'] });
  fleet.settle();
  expect(fleet.living().filter((line) => line.includes(' v2 '))).toHaveLength(3);
});

test('a system job is rolled out node by node', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2', 'n3']) fleet.node(name);
  fleet.submit({ name: 'web', type: 'system', count: 0 });
  fleet.settle();
  fleet.submit({ name: 'web', type: 'system', count: 0, command: ['other'] });
  expect(fleet.plan().stops).toHaveLength(1);
  fleet.settle();
  expect(fleet.living()).toEqual(['web/0 v2 n1 healthy', 'web/0 v2 n2 healthy', 'web/0 v2 n3 healthy']);
});
