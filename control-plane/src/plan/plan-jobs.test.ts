import { expect, test } from 'vitest';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function fleetOf(nodes: number): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 1; number <= nodes; number += 1) fleet.node(`n${number}`);
  return fleet;
}

test('three instances go to three nodes', () => {
  const fleet = fleetOf(3);
  fleet.submit();
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/0 v1 on n1: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after
    place web/1 v1 on n3: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after
    place web/2 v1 on n2: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after
    "
  `);
  expect(fleet.step()).toBe('nothing');
});

test('where a job has none, the fullest node that fits is taken, so that room stays together', () => {
  const fleet = fleetOf(3);
  fleet.submit({ name: 'first', count: 1, constraints: [{ attribute: 'x', operator: 'not-exists', value: '' }] });
  fleet.step();
  fleet.submit({ name: 'second', count: 1 });
  const [first] = fleet.living();
  expect(fleet.step()).toMatch(
    /^\nplace second\/0 v1 on n\d: best of 3 nodes that fit: none of this job there yet, 13 % of memory/,
  );
  const node = first?.split(' ')[2];
  expect(fleet.living()).toEqual([`first/0 v1 ${node} pending`, `second/0 v1 ${node} pending`]);
});

test('scaling down stops the highest instances, and scaling up leaves the others alone', () => {
  const fleet = fleetOf(3);
  fleet.submit();
  fleet.settle();
  fleet.submit({ count: 1 });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    stop web/1 v1 on n3: the job is scaled down to 1
    stop web/2 v1 on n2: the job is scaled down to 1
    "
  `);
  fleet.agentsReport();
  fleet.submit({ count: 2 });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/1 v3 on n3: best of 3 nodes that fit: none of this job there yet, 6 % of memory reserved after
    "
  `);
  expect(fleet.living()).toEqual(['web/0 v1 n1 healthy', 'web/1 v3 n3 pending']);
});

test('an instance that is stopping keeps its place until it has ended', () => {
  const fleet = fleetOf(1);
  fleet.submit({ count: 1 });
  fleet.settle();
  fleet.apply({ kind: 'stop-job', name: 'web' });
  fleet.step();
  fleet.submit({ count: 1 });
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport();
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/0 v2 on n1: the only node that fits: none of this job there yet, 6 % of memory reserved after
    "
  `);
});

test('a stopped job is stopped everywhere, and nothing of it is placed', () => {
  const fleet = fleetOf(2);
  fleet.submit({ count: 2 });
  fleet.settle();
  fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    stop web/0 v1 on n1: the job is stopped
    stop web/1 v1 on n2: the job is stopped
    "
  `);
});

test('instances of a lost node are placed on others', () => {
  const fleet = fleetOf(3);
  fleet.submit({ count: 3 });
  fleet.settle();
  fleet.lose('n2');
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/2 v1 on n1: best of 2 nodes that fit: 1 of this job there already, 13 % of memory reserved after
    "
  `);
});

test('what fits nowhere is told with reasons, numbers and the smallest change', () => {
  const fleet = fleetOf(2);
  fleet.node('small', { memoryMib: 384, cpuMillis: 8_000 });
  fleet.node('mac', { attributes: { 'kernel.name': 'darwin' } });
  fleet.node('gone');
  fleet.lose('gone');
  fleet.submit({
    count: 3,
    resources: { cpuMillis: 4_500, memoryMib: 400 },
    constraints: [{ attribute: 'kernel.name', operator: 'equal', value: 'linux' }],
  });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    unplaced web: 3
      2 nodes: cpu: 4.5 cores asked, 4 free at most
      1 nodes: constraint: "kernel.name" must be "linux"
      1 nodes: memory: 400 MiB asked, 384 MiB free at most
      1 nodes: node is lost
      hint: lower resources.memory to 384MiB, or add a node with 400 MiB of memory and 4.5 cores free
    "
  `);
  expect(fleet.step()).toBe('nothing');
});

test('what waits for room is placed when there is some, and is not told any more', () => {
  const fleet = fleetOf(1);
  fleet.submit({ count: 3, resources: { cpuMillis: 100, memoryMib: 2_000 } });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/0 v1 on n1: the only node that fits: none of this job there yet, 49 % of memory reserved after
    place web/1 v1 on n1: the only node that fits: 1 of this job there already, 98 % of memory reserved after
    unplaced web: 1
      1 nodes: memory: 2000 MiB asked, 96 MiB free at most
      hint: lower resources.memory to 96MiB, or add a node with 2000 MiB of memory and 0.1 cores free
    "
  `);
  fleet.node('n2');
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/2 v1 on n2: the only node that fits: none of this job there yet, 49 % of memory reserved after
    unplaced web: none any more
    "
  `);
});

test('a fleet without nodes says so', () => {
  const fleet = fleetOf(0);
  fleet.submit({ count: 1 });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    unplaced web: 1
      0 nodes: no node is registered
      hint: start an agent: see "cell-agent --help"
    "
  `);
});

test('a fixed port is used once per node', () => {
  const fleet = fleetOf(2);
  fleet.submit({ count: 3, ports: [{ name: 'http', port: 8080 }] });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/0 v1 on n1: best of 2 nodes that fit: none of this job there yet, 6 % of memory reserved after
    place web/1 v1 on n2: the only node that fits: none of this job there yet, 6 % of memory reserved after
    unplaced web: 1
      2 nodes: port 8080 ("http") is in use
      hint: have port 8080 ("http") given out instead of fixed, or add a node with 256 MiB of memory and 0.5 cores free
    "
  `);
});

test('a port that is given out is free and in the range; without one the node is refused', () => {
  const fleet = new PlannedFleet();
  fleet.node('n1', { portFirst: 20_000, portLast: 20_002 });
  const ports = [
    { name: 'http', port: 0 },
    { name: 'fixed', port: 20_001 },
  ];
  fleet.submit({ count: 1, ports });
  fleet.submit({ name: 'other', count: 2 });
  expect(fleet.step(['web', 'other'])).toMatchInlineSnapshot(`
    "
    place web/0 v1 on n1: the only node that fits: none of this job there yet, 6 % of memory reserved after
    place other/0 v1 on n1: the only node that fits: none of this job there yet, 13 % of memory reserved after
    unplaced other: 1
      1 nodes: ports: none left to give out
      hint: add a node with 256 MiB of memory and 0.5 cores free
    "
  `);
  const given = [...fleet.tables.allocations.values()].flatMap((row) => Object.values(row.ports));
  expect(new Set(given)).toEqual(new Set([20_000, 20_001, 20_002]));
});

test('the ports of one instance differ, and given out ones keep off its fixed ones', () => {
  const fleet = new PlannedFleet();
  fleet.node('n1', { portFirst: 20_000, portLast: 20_003 });
  const fixed = { name: 'fixed', port: 20_001 };
  const given = ['a', 'b', 'c', 'd'].map((name) => ({ name, port: 0 }));
  fleet.submit({ name: 'much', count: 1, ports: [fixed, ...given] });
  expect(fleet.step()).toMatch(/unplaced much: 1\n {2}1 nodes: ports: none left to give out/);
  fleet.submit({ count: 1, ports: [...given.slice(0, 3), fixed] });
  for (let seed = 0; seed < 20; seed += 1) {
    fleet.seed = seed;
    const ports = Object.values(fleet.plan(['web']).placements[0]?.ports ?? {});
    expect(new Set(ports)).toEqual(new Set([20_000, 20_001, 20_002, 20_003]));
    expect(ports).toHaveLength(4);
  }
});

test('a system job has one instance on every fitting node, also on those that come later', () => {
  const fleet = fleetOf(2);
  fleet.node('mac', { attributes: { 'kernel.name': 'darwin' } });
  const constraints = [{ attribute: 'kernel.name', operator: 'equal', value: 'linux' }] as const;
  fleet.submit({ name: 'exporter', type: 'system', count: 0, constraints });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place exporter/0 v1 on n1: one on every node that fits: 6 % of memory reserved after
    place exporter/0 v1 on n2: one on every node that fits: 6 % of memory reserved after
    "
  `);
  fleet.node('n3');
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place exporter/0 v1 on n3: one on every node that fits: 6 % of memory reserved after
    "
  `);
  fleet.node('n1', { attributes: {} });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    stop exporter/0 v1 on n1: the node does not meet the constraints of version 1
    "
  `);
});

test('a system job tells of nodes that are too small for it', () => {
  const fleet = fleetOf(1);
  fleet.node('small', { memoryMib: 100 });
  fleet.submit({ name: 'exporter', type: 'system', count: 0 });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place exporter/0 v1 on n1: one on every node that fits: 6 % of memory reserved after
    unplaced exporter: 1
      1 nodes: memory: 256 MiB asked, 100 MiB free at most
      hint: lower resources.memory to 100MiB, or add a node with 256 MiB of memory and 0.5 cores free
    "
  `);
});

test('each batch instance runs to completion once', () => {
  const fleet = fleetOf(2);
  fleet.submit({ name: 'convert', type: 'batch', count: 3, ports: [] });
  fleet.step();
  fleet.agentsReport('complete', (instance) => instance < 2);
  expect(fleet.step()).toBe('nothing');
  fleet.lose('n1', 'n2');
  fleet.node('n3');
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place convert/2 v1 on n3: the only node that fits: none of this job there yet, 6 % of memory reserved after
    "
  `);
  fleet.agentsReport('complete');
  expect(fleet.step()).toBe('nothing');
});

test('more batch instances run without repeating those that are complete; another command repeats all', () => {
  const fleet = fleetOf(2);
  fleet.submit({ name: 'convert', type: 'batch', count: 2, ports: [] });
  fleet.step();
  fleet.agentsReport('complete');
  fleet.submit({ name: 'convert', type: 'batch', count: 3, ports: [] });
  expect(fleet.step()).toMatch(/^\nplace convert\/2 v2 [^\n]*\n$/);
  fleet.submit({ name: 'convert', type: 'batch', count: 3, ports: [], command: ['other'] });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    stop convert/2 v2 on n1: version 3 replaces version 2
    place convert/0 v3 on n2: best of 2 nodes that fit: none of this job there yet, 6 % of memory reserved after
    place convert/1 v3 on n1: best of 2 nodes that fit: 1 of this job there already, 13 % of memory reserved after
    "
  `);
});

test('a completed instance is not repeated, however many versions of the job came that only changed its count', () => {
  const fleet = fleetOf(2);
  fleet.submit({ name: 'convert', type: 'batch', count: 1, ports: [] });
  fleet.step();
  fleet.agentsReport('complete');
  for (let count = 2; count < 20; count += 1) fleet.submit({ name: 'convert', type: 'batch', count, ports: [] });
  fleet.submit({ name: 'convert', type: 'batch', count: 1, ports: [] });
  expect(fleet.step()).toBe('nothing');
});

test('a batch job that was stopped and is submitted again runs from the beginning', () => {
  const fleet = fleetOf(1);
  fleet.submit({ name: 'convert', type: 'batch', count: 1, ports: [] });
  fleet.step();
  fleet.agentsReport('complete');
  fleet.submit({ name: 'convert', type: 'batch', count: 1, ports: [] });
  expect(fleet.step()).toBe('nothing');
  fleet.apply({ kind: 'stop-job', name: 'convert' });
  fleet.submit({ name: 'convert', type: 'batch', count: 1, ports: [] });
  expect(fleet.step()).toMatch(/^\nplace convert\/0 v2 /);
});

test('a plan stops at its size and says what is left', () => {
  const fleet = fleetOf(3);
  fleet.placementsMax = 4;
  fleet.submit({ name: 'a', count: 3 });
  fleet.submit({ name: 'b', count: 3 });
  fleet.submit({ name: 'c', count: 1 });
  expect(fleet.step()).toMatch(/unfinished b\nunfinished c\n$/);
  expect(fleet.living()).toHaveLength(4);
  fleet.settle();
  expect(fleet.living()).toHaveLength(7);
  for (const name of ['a', 'b', 'c']) fleet.apply({ kind: 'stop-job', name });
  expect(fleet.plan().stops).toHaveLength(4);
  expect(fleet.settle()).toBeGreaterThan(1);
  expect(fleet.living()).toEqual([]);
});
