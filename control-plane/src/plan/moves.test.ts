import { expect, test } from 'vitest';
import { isFinal } from '../model/entities.ts';
import { drainWaits } from './drain-waits.ts';
import { jobSummary } from './job-summary.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function running(count: number, nodes = 3, memoryMib = 4_096): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 1; number <= nodes; number += 1) fleet.node(`n${number}`, { memoryMib });
  fleet.submit({ count });
  fleet.settle();
  return fleet;
}

const n1 = (fleet: PlannedFleet) => fleet.tables.nodes.get('id-n1')!;
const waits = (fleet: PlannedFleet) =>
  drainWaits(fleet.tables, n1(fleet)).map(({ row, reason, stuck }) => {
    return `${row.job}/${row.instance} ${reason}${stuck ? ' (stuck)' : ''}`;
  });
const on = (fleet: PlannedFleet, node: string) => fleet.living().filter((line) => line.includes(` ${node} `));
const healthy = (fleet: PlannedFleet) => fleet.living().filter((line) => line.endsWith(' healthy')).length;
/** Reports for one instance's allocation on a node. */
function say(fleet: PlannedFleet, node: string, state: Parameters<PlannedFleet['report']>[1], job = 'web'): void {
  const rows = [...fleet.tables.allocationsOnNode(`id-${node}`)].filter((row) => row.job === job && !isFinal(row));
  for (const { id } of rows) fleet.report(id, state, { message: state === 'failed' ? 'Exit code 1' : '' });
}

test('the replacement comes first, and the old one goes once it is healthy', () => {
  const fleet = running(3);
  fleet.drain('n1');
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    place web/0 v1 on n3: best of 2 nodes that fit: 1 of this job there already, 13 % of memory reserved after
    "
  `);
  expect(fleet.step()).toBe('nothing');
  expect(waits(fleet)).toEqual(['web/0 goes once its replacement on "n3" is healthy; that is pending']);
  fleet.agentsReport('running');
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport('healthy');
  expect(fleet.step()).toBe('\nstop web/0 v1 on n1: its replacement on another node is up\n');
  expect(waits(fleet)).toEqual(['web/0 is stopping']);
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport();
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
  expect(fleet.step()).toBe('nothing');
  expect(on(fleet, 'n1')).toEqual([]);
});

test('a replacement that is outdated before it was up ends before the next one begins', () => {
  const fleet = running(1, 2);
  const [from, to] = on(fleet, 'n1').length > 0 ? ['n1', 'n2'] : ['n2', 'n1'];
  fleet.drain(from);
  expect(fleet.step()).toContain(`place web/0 v1 on ${to}`);
  fleet.submit({ count: 1, command: ['newer'] });
  expect(fleet.step()).toBe(`\nstop web/0 v1 on ${to}: it is outdated before it was up\n`);
  expect(fleet.step()).toBe('nothing');
  const reasons = drainWaits(fleet.tables, fleet.tables.nodes.get(`id-${from}`)!).map(({ reason }) => reason);
  expect(reasons).toEqual([`waits until its former replacement on "${to}" has ended`]);
  say(fleet, to, 'stopped');
  expect(fleet.step()).toContain(`place web/0 v2 on ${to}`);
});

test('as many move at a time as a rollout would replace', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ count: 40, resources: { cpuMillis: 10, memoryMib: 10 } });
  fleet.settle();
  fleet.drain('n1');
  expect(fleet.plan().placements).toHaveLength(4);
  fleet.step();
  expect(fleet.plan().placements).toHaveLength(0);
  expect(waits(fleet).filter((line) => line.endsWith('waits for its turn'))).toHaveLength(16);
  fleet.agentsReport('healthy', (instance) => instance % 4 === 0);
  const plan = fleet.plan();
  expect(plan.placements).toHaveLength(plan.stops.length);
});

test('those that move together go to different nodes', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2', 'n3']) fleet.node(name);
  fleet.submit({ count: 24, resources: { cpuMillis: 10, memoryMib: 10 } });
  fleet.settle();
  fleet.drain('n1');
  expect(
    fleet
      .plan()
      .placements.map(({ nodeId }) => nodeId)
      .toSorted(),
  ).toEqual(['id-n2', 'id-n3']);
});

test('of those that have to go the ones that do not work go first', () => {
  const fleet = running(6);
  const [, second] = [...fleet.tables.allocationsOnNode('id-n1')].sort((one, other) => one.instance - other.instance);
  fleet.report(second!.id, 'unhealthy');
  fleet.drain('n1');
  expect(fleet.step()).toMatch(new RegExp(`^\\nplace web/${second!.instance} v1 on n\\d: `));
});

test('one that must never be there twice is stopped first, one at a time', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ count: 4, onDisconnect: 'stop' });
  fleet.settle();
  fleet.drain('n1');
  expect(fleet.step()).toMatch(/^\nstop web\/\d v1 on n1: node "n1" is drained\n$/);
  expect(fleet.step()).toBe('nothing');
  expect(waits(fleet)[1]).toMatch(/waits until other instances of the job are healthy$/);
  fleet.agentsReport();
  expect(fleet.step()).toMatch(/^\nplace web\/\d v1 on n2: /);
  expect(fleet.step()).toBe('nothing');
  fleet.agentsReport();
  expect(fleet.step()).toMatch(/^\nstop web\/\d v1 on n1: /);
});

test('one that does not work on its node moves, whatever becomes of others', () => {
  const fleet = running(3);
  fleet.agentsReport('unhealthy', (instance) => instance > 0);
  fleet.drain('n1');
  expect(fleet.step()).toMatch(/^\nplace web\/0 v1 on n\d: /);
  for (const onDisconnect of ['keep', 'stop'] as const) {
    const alone = new PlannedFleet();
    for (const name of ['n1', 'n2']) alone.node(name);
    alone.submit({ count: 1, onDisconnect });
    alone.step();
    alone.agentsReport('unhealthy');
    const node = alone.living()[0]?.includes(' n1 ') === true ? 'n1' : 'n2';
    alone.drain(node);
    expect(alone.step()).toMatch(onDisconnect === 'keep' ? /^\nplace web\/0 / : /^\nstop web\/0 /);
  }
});

test('what finds no room elsewhere stays, says why, and goes when there is room', () => {
  const fleet = running(2, 2, 300);
  fleet.drain('n1');
  expect(fleet.step()).toBe('nothing');
  expect(waits(fleet)).toEqual([
    expect.stringMatching(/^web\/\d finds no room elsewhere: memory: 256 MiB asked, 44 MiB free at most \(stuck\)$/),
  ]);
  expect(healthy(fleet)).toBe(2);
  expect(jobSummary(fleet.tables, fleet.tables.jobs.get('web')!).status).toBe('running');
  fleet.node('n3');
  fleet.settle();
  expect(on(fleet, 'n1')).toEqual([]);
  expect(on(fleet, 'n3')).toHaveLength(1);
});

test('without any other node it says so', () => {
  const fleet = running(1, 1);
  fleet.drain('n1');
  expect(waits(fleet)).toEqual(['web/0 finds no room elsewhere: there is no other node (stuck)']);
});

test('at the deadline what is left is stopped at once, and placed where there is room', () => {
  const fleet = running(4, 2);
  fleet.drain('n1', { deadlineMs: 60_000 });
  fleet.step();
  fleet.drainTime('n1', 0);
  expect(fleet.plan().stops.map(({ reason }) => reason)).toEqual(
    Array.from({ length: 2 }, () => 'node "n1" is drained, and the time for that is over'),
  );
  fleet.step();
  expect(healthy(fleet)).toBe(4);
  fleet.agentsReport();
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
  fleet.settle();
  expect(on(fleet, 'n2')).toHaveLength(4);
});

test('a drain with no time at all stops everything, and what finds no room then is unplaced', () => {
  const fleet = running(2, 2, 300);
  fleet.drain('n1', { deadlineMs: 0 });
  expect(fleet.step()).toMatch(/^\nstop web\/\d v1 on n1: /);
  fleet.agentsReport();
  expect(fleet.step()).toContain(
    'unplaced web: 1\n  1 nodes: memory: 256 MiB asked, 44 MiB free at most\n  1 nodes: node is drained',
  );
});

test('a batch instance runs to its end, and one that is stopped at the deadline runs again without a failure', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ name: 'sort', type: 'batch', count: 4, ports: [] });
  fleet.step();
  fleet.agentsReport('running');
  fleet.drain('n1', { deadlineMs: 60_000 });
  expect(fleet.step()).toBe('nothing');
  expect(waits(fleet)[0]).toMatch(/^sort\/\d runs to its end, or to the deadline$/);
  const [first, second] = [...fleet.tables.allocationsOnNode('id-n1')];
  fleet.report(first!.id, 'complete');
  expect(fleet.step()).toBe('nothing');
  fleet.drainTime('n1', 0);
  expect(fleet.step()).toMatch(/^\nstop sort\/\d v1 on n1: /);
  fleet.report(second!.id, 'stopped');
  expect(fleet.step()).toMatch(new RegExp(`^\\nplace sort/${second!.instance} v1 on n2: `));
  expect(jobSummary(fleet.tables, fleet.tables.jobs.get('sort')!).counts).toMatchObject({ failed: 0, complete: 1 });
});

test('a batch instance in an older version is stopped once, at the deadline too', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ name: 'sort', type: 'batch', count: 2, ports: [] });
  fleet.settle();
  fleet.drain('n1', { deadlineMs: 0 });
  fleet.submit({ name: 'sort', type: 'batch', count: 2, ports: [], command: ['newer'] });
  expect(fleet.plan().stops).toHaveLength(2);
  expect(fleet.carryOut(fleet.plan())).toMatchObject({ stopped: 2, leftOut: 0 });
});

test('a batch instance that fails on a drained node is placed elsewhere', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ name: 'sort', type: 'batch', count: 2, ports: [] });
  fleet.step();
  fleet.drain('n1');
  say(fleet, 'n1', 'failed', 'sort');
  expect(fleet.step()).toMatch(/^\nplace sort\/\d v1 on n2: /);
});

test('an undrain on the way takes the replacement back, and leaves what has moved', () => {
  const fleet = running(4, 2);
  fleet.drain('n1');
  fleet.step();
  fleet.agentsReport();
  fleet.step();
  const [gone] = [...fleet.tables.allocations.values()].filter((row) => row.desired === 'stop');
  fleet.report(gone?.id ?? '', 'stopped');
  // One has moved, the next is on its way.
  expect(on(fleet, 'n1')).toHaveLength(1);
  expect(on(fleet, 'n2')).toHaveLength(4);
  fleet.undrain('n1');
  expect(fleet.step()).toMatch(/^\nstop web\/\d v1 on n2: another allocation of the instance runs already\n$/);
  fleet.settle();
  expect([on(fleet, 'n1').length, on(fleet, 'n2').length]).toEqual([1, 3]);
});

test('an undrain leaves the one that works, wherever it is', () => {
  const fleet = running(1, 2);
  const node = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  fleet.drain(node);
  fleet.step();
  say(fleet, node, 'unhealthy');
  say(fleet, node === 'n1' ? 'n2' : 'n1', 'healthy');
  fleet.undrain(node);
  fleet.step();
  fleet.agentsReport();
  expect(fleet.living()).toHaveLength(1);
  expect(on(fleet, node)).toEqual([]);
});

test('a replacement that fails is tried again, and given up while the old one runs on', () => {
  const fleet = running(1, 2);
  const node = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  const other = node === 'n1' ? 'n2' : 'n1';
  fleet.drain(node);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect(fleet.step()).toMatch(new RegExp(`^\\nplace web/0 v1 on ${other}: `));
    say(fleet, other, 'failed');
  }
  expect(fleet.step()).toBe('nothing');
  expect(healthy(fleet)).toBe(1);
  expect(drainWaits(fleet.tables, fleet.tables.nodes.get(`id-${node}`)!)).toMatchObject([
    { reason: 'stays, since its replacement failed 5 times in a row, the last time: Exit code 1', stuck: true },
  ]);
});

test('failures from before the one that runs now say nothing of its replacement', () => {
  const fleet = running(1, 2);
  const node = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    fleet.agentsReport('failed');
    fleet.step();
  }
  fleet.agentsReport('healthy');
  const now = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  fleet.drain(now);
  fleet.step();
  say(fleet, now === 'n1' ? 'n2' : 'n1', 'failed');
  expect(fleet.step(), node).toMatch(/^\nplace web\/0 v1 /);
});

test('a new version replaces what leaves as it goes', () => {
  const fleet = running(2, 3);
  const node = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  fleet.drain(node);
  fleet.submit({ count: 2, command: ['serve', 'more'] });
  expect(fleet.step()).toMatch(/^\nplace web\/\d v2 on n\d: /);
  // One at a time: the rollout waits for the move.
  expect(fleet.step()).toBe('nothing');
  fleet.settle();
  expect(fleet.living().every((line) => line.includes(' v2 '))).toBe(true);
  expect(on(fleet, node)).toEqual([]);
});

test('a replacement that a newer version has overtaken makes way for that', () => {
  const fleet = running(1, 2);
  const node = on(fleet, 'n1').length === 1 ? 'n1' : 'n2';
  fleet.submit({ count: 1, command: ['broken'] });
  fleet.drain(node);
  fleet.step();
  fleet.submit({ count: 1, command: ['mended'] });
  expect(fleet.step()).toMatch(/stop web\/0 v2 on n\d: it is outdated before it was up/);
  fleet.settle();
  expect(fleet.living()).toEqual([expect.stringMatching(/^web\/0 v3 n\d healthy$/)]);
  expect(on(fleet, node)).toEqual([]);
});

test('a version that fails does not replace what leaves', () => {
  const fleet = running(4, 4);
  fleet.submit({ count: 4, command: ['broken'] });
  fleet.step();
  fleet.agentsReport();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    fleet.step();
    const broken = [...fleet.tables.allocations.values()].filter((row) => row.jobVersion === 2 && !isFinal(row));
    for (const { id } of broken) fleet.report(id, 'failed', { message: 'Exit code 1' });
  }
  const [line = ''] = fleet.living();
  const node = line.split(' ')[2] ?? '';
  fleet.drain(node);
  fleet.step();
  expect(healthy(fleet)).toBe(3);
  expect(drainWaits(fleet.tables, fleet.tables.nodes.get(`id-${node}`)!)).toMatchObject([
    { reason: 'stays, since version 2, which would replace it, fails', stuck: true },
  ]);
});

test('both nodes of a moving instance can be drained', () => {
  const fleet = running(1, 3);
  const [node = ''] = fleet.living().map((line) => line.split(' ')[2]);
  fleet.drain(node);
  fleet.step();
  const target =
    fleet
      .living()
      .map((line) => line.split(' ')[2] ?? '')
      .find((name) => name !== node) ?? '';
  fleet.drain(target);
  fleet.settle();
  expect(fleet.living()).toHaveLength(1);
  expect(fleet.living()[0]).toMatch(/healthy$/);
  expect([on(fleet, node), on(fleet, target)]).toEqual([[], []]);
});

test('a job that is stopped or scaled down during a drain loses both allocations', () => {
  for (const end of ['stop', 'scale'] as const) {
    const fleet = running(2, 2);
    fleet.drain('n1');
    fleet.step();
    if (end === 'stop') fleet.apply({ kind: 'stop-job', name: 'web' });
    else fleet.submit({ count: 1 });
    fleet.settle();
    expect(fleet.living()).toHaveLength(end === 'stop' ? 0 : 1);
    expect(on(fleet, 'n1')).toEqual([]);
  }
});
