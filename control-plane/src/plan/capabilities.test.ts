import type { JobSpec } from '@cell/job';
import { expect, test } from 'vitest';
import { exampleInventory, exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { describeLacked, hintForLacked, lackedCapabilities, suitsJob } from './capabilities.ts';
import { previewJob } from './preview-job.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

const { limits, network } = exampleSpec();

const reasons: readonly (readonly [string, Partial<JobSpec>])[] = [
  ["dynamic_user: the node can't make users for instances", { dynamicUser: true }],
  ["sandbox: the node can't shut workloads off strictly", { sandbox: 'strict' }],
  ["environment_files: the node can't read environment files", { environmentFiles: ['a'] }],
  ["directories: the node can't keep directories for instances", { directories: ['state'] }],
  ['devices: no "/dev/kvm" there', { devices: ['/dev/kvm:rw'] }],
  ["limits.memory_max: the node can't limit memory", { limits: { ...limits, memoryMaxMib: 1 } }],
  ["limits.memory_high: the node can't slow down what takes much memory", { limits: { ...limits, memoryHighMib: 1 } }],
  ["limits.cpu_max: the node can't limit processor time", { limits: { ...limits, cpuMaxMillis: 1 } }],
  ["limits.cpu_weight: the node can't share out processor time by weight", { limits: { ...limits, cpuWeight: 1 } }],
  ["limits.io_weight: the node can't share out disk I/O by weight", { limits: { ...limits, ioWeight: 1 } }],
  ["limits.tasks_max: the node can't limit tasks", { limits: { ...limits, tasksMax: 1 } }],
  ["limits.files_max: the node can't limit open files", { limits: { ...limits, filesMax: 1 } }],
  ["network.private: the node can't cut workloads off from the network", { network: { ...network, private: true } }],
  ["network.deny: the node can't filter network addresses", { network: { ...network, deny: ['any'] } }],
  ["credentials: the node can't hand over credentials", { credentials: { a: 'b' } }],
];

test.each(reasons)('%s', (reason, changes) => {
  const spec = exampleSpec(changes);
  const inventory = exampleInventory();
  expect(suitsJob(spec)(inventory)).toBe(false);
  const lacked = lackedCapabilities(spec, inventory);
  expect(lacked.map(describeLacked)).toEqual([reason]);
  const able = exampleInventory({ capabilities: lacked.map(({ capability }) => capability) });
  expect(suitsJob(spec)(able)).toBe(true);
  expect(suitsJob({ ...spec, constraints: [{ attribute: 'x', operator: 'exists', value: '' }] })(able)).toBe(false);
});

test('a hint names what to add or to take out', () => {
  const hint = (changes: Partial<JobSpec>, runtime: string) =>
    hintForLacked(lackedCapabilities(exampleSpec(changes), exampleInventory()), runtime);
  const memory = { limits: { ...limits, memoryMaxMib: 1 } };
  const devices = ['/dev/kvm:rw', '/dev/fuse:r'];
  expect([
    hint(memory, 'process'),
    hint(memory, 'systemd'),
    hint({ devices }, 'systemd'),
    hint({ ...memory, sandbox: 'strict', devices }, 'systemd'),
  ]).toMatchInlineSnapshot(`
    [
      "add a node whose agent has runtime = "systemd", or take limits.memory_max out",
      "add a node that can limit memory, or take limits.memory_max out",
      "add a node that has "/dev/kvm" and "/dev/fuse", or take devices out",
      "add a node that can shut workloads off strictly and limit memory and that has "/dev/kvm" and "/dev/fuse", or take sandbox, devices and limits.memory_max out",
    ]
  `);
});

test('only nodes that can do what is asked are taken, and the others say what they lack', () => {
  const fleet = new PlannedFleet();
  const all = ['limit.memory-max', 'sandbox.strict'];
  fleet.node('plain');
  fleet.node('strict', { runtime: 'systemd', capabilities: ['sandbox.strict'] });
  fleet.node('mac', { attributes: { 'kernel.name': 'darwin' }, capabilities: all });
  const asks: Partial<JobSpec> = {
    count: 1,
    sandbox: 'strict',
    limits: { ...limits, memoryMaxMib: 256 },
    constraints: [{ attribute: 'kernel.name', operator: 'equal', value: 'linux' }],
  };
  fleet.submit(asks);
  const first = fleet.step();
  fleet.node('full', { runtime: 'systemd', capabilities: all, memoryMib: 128 });
  const second = fleet.step();
  fleet.node('able', { runtime: 'systemd', capabilities: all });
  expect([first, second, fleet.step()].join('')).toMatchInlineSnapshot(`
    "
    unplaced web: 1
      2 nodes: limits.memory_max: the node can't limit memory
      1 nodes: constraint: "kernel.name" must be "linux"
      1 nodes: sandbox: the node can't shut workloads off strictly
      hint: add a node that can limit memory, or take limits.memory_max out

    unplaced web: 1
      2 nodes: limits.memory_max: the node can't limit memory
      1 nodes: constraint: "kernel.name" must be "linux"
      1 nodes: memory: 256 MiB asked, 128 MiB free at most
      1 nodes: sandbox: the node can't shut workloads off strictly
      hint: lower resources.memory to 128MiB, or add a node with 256 MiB of memory and 0.5 cores free

    place web/0 v1 on able: the only node that fits: none of this job there yet, 6 % of memory reserved after
    unplaced web: none any more
    "
  `);
});

test('an instance runs on where its node can do less than before, and is placed elsewhere when it ends', () => {
  const fleet = new PlannedFleet();
  const capabilities = ['limit.tasks-max'];
  fleet.node('n1', { capabilities });
  const asks: Partial<JobSpec> = { count: 1, limits: { ...limits, tasksMax: 10 } };
  fleet.submit(asks);
  fleet.settle();
  fleet.node('n1');
  fleet.settle();
  expect(fleet.living()).toEqual(['web/0 v1 n1 healthy']);
  fleet.node('n2', { capabilities });
  fleet.agentsReport('failed');
  fleet.settle();
  expect(fleet.living()).toEqual(['web/0 v1 n2 healthy']);
});

test('a system job is on the nodes that can do what it asks for; where it runs it stays, in its newest version', () => {
  const fleet = new PlannedFleet();
  const capabilities = ['limit.tasks-max'];
  fleet.node('n1', { capabilities });
  fleet.node('n2', { capabilities });
  fleet.node('plain');
  const asks: Partial<JobSpec> = { name: 'exporter', type: 'system', count: 0, limits: { ...limits, tasksMax: 10 } };
  fleet.submit(asks);
  fleet.settle();
  expect(fleet.living()).toEqual(['exporter/0 v1 n1 healthy', 'exporter/0 v1 n2 healthy']);
  expect(fleet.tables.jobs.get('exporter')?.unplaced).toBeUndefined();
  fleet.node('n1');
  expect(fleet.step()).toBe('nothing');
  fleet.submit({ ...asks, command: ['other'] });
  expect(fleet.step()).toMatchInlineSnapshot(`
    "
    stop exporter/0 v1 on n1: version 2 can't run on the node: limits.tasks_max: the node can't limit tasks
    stop exporter/0 v1 on n2: version 2 replaces version 1
    "
  `);
  fleet.settle();
  expect(fleet.living()).toEqual(['exporter/0 v2 n2 healthy']);
  fleet.node('n2');
  fleet.agentsReport('failed');
  fleet.settle();
  expect(fleet.living()).toEqual([]);
});

test('a stopped system job is stopped also where its node can do less than before', () => {
  const fleet = new PlannedFleet();
  fleet.node('n1', { capabilities: ['sandbox.strict'] });
  fleet.submit({ name: 'exporter', type: 'system', count: 0, sandbox: 'strict' });
  fleet.settle();
  fleet.node('n1');
  fleet.apply({ kind: 'stop-job', name: 'exporter' });
  expect(fleet.step()).toMatch(/^\nstop exporter\/0 v1 on n1: the job is stopped\n$/);
});

test('a drain takes an instance of a system job also off a node that can do less than before, unless they stay', () => {
  for (const keepSystemJobs of [false, true]) {
    const fleet = new PlannedFleet();
    fleet.node('n1', { capabilities: ['sandbox.strict'] });
    fleet.submit({ name: 'exporter', type: 'system', count: 0, sandbox: 'strict' });
    fleet.settle();
    fleet.node('n1');
    fleet.drain('n1', { keepSystemJobs });
    fleet.settle();
    expect(fleet.living()).toEqual(keepSystemJobs ? ['exporter/0 v1 n1 healthy'] : []);
  }
});

test('a preview says which key asks for what no node can', () => {
  const fleet = new PlannedFleet();
  fleet.node('n1');
  fleet.submit({ count: 1 });
  fleet.settle();
  const spec = exampleSpec({ count: 1, devices: ['/dev/kvm:rw'], network: { ...network, private: true } });
  const inputs = { nowMs: fleet.timeMs, seed: 1, placementsMax: 1_000 };
  const { actions, unplaced } = previewJob(fleet.tables, spec, inputs);
  expect(actions).toMatchObject([{ kind: 'replace', nodeName: '', reason: expect.stringMatching(/no node fits$/) }]);
  expect(unplaced).toEqual({
    count: 1,
    reasons: [
      { reason: 'devices: no "/dev/kvm" there', nodes: 1 },
      { reason: "network.private: the node can't cut workloads off from the network", nodes: 1 },
    ],
    hint: 'add a node whose agent has runtime = "systemd" and that has "/dev/kvm", or take devices and network.private out',
  });
});
