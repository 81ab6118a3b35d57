import type { JobSpec } from '@cell/job';
import { expect, test } from 'vitest';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { previewJob } from './preview-job.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

function running(): PlannedFleet {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ count: 2 });
  fleet.settle();
  return fleet;
}

function preview(fleet: PlannedFleet, changes: Partial<JobSpec>): string {
  const inputs = { nowMs: fleet.timeMs, seed: 1, placementsMax: 1_000 };
  const { version, unchanged, actions, unplaced } = previewJob(fleet.tables, exampleSpec(changes), inputs);
  const lines = actions.map(({ kind, instance, nodeName, reason, allocationId }) => {
    return `${kind} ${instance} on "${nodeName}"${allocationId === '' ? '' : ' *'}: ${reason}`;
  });
  const failure = unplaced === undefined ? [] : [`unplaced ${unplaced.count}: ${unplaced.reasons[0]?.reason}`];
  return `\nversion ${version}${unchanged ? ', unchanged' : ''}\n${[...lines, ...failure].join('\n')}\n`;
}

test('a new job is placed', () => {
  expect(preview(running(), { name: 'other', count: 1 })).toMatchInlineSnapshot(`
    "
    version 1
    place 0 on "n2": best of 2 nodes that fit: none of this job there yet, 13 % of memory reserved after
    "
  `);
});

test('the same job is kept as it is', () => {
  expect(preview(running(), { count: 2 })).toMatchInlineSnapshot(`
    "
    version 1, unchanged
    keep 0 on "n1" *: it is healthy and needs no restart
    keep 1 on "n2" *: it is healthy and needs no restart
    "
  `);
});

test('more instances keep those that run', () => {
  expect(preview(running(), { count: 3 })).toMatchInlineSnapshot(`
    "
    version 2
    keep 0 on "n1" *: it is healthy and needs no restart
    keep 1 on "n2" *: it is healthy and needs no restart
    place 2 on "n1": best of 2 nodes that fit: 1 of this job there already, 13 % of memory reserved after
    "
  `);
});

test('fewer instances stop the highest', () => {
  expect(preview(running(), { count: 1 })).toMatchInlineSnapshot(`
    "
    version 2
    keep 0 on "n1" *: it is healthy and needs no restart
    stop 1 on "n2" *: the job is scaled down to 1
    "
  `);
});

test('another command replaces all, each in the room of the one before', () => {
  const resources = { cpuMillis: 4_000, memoryMib: 4_000 };
  expect(preview(running(), { count: 2, command: ['other'], resources })).toMatchInlineSnapshot(`
    "
    version 2
    replace 0 on "n1" *: version 2 replaces version 1; the only node that fits: none of this job there yet, 98 % of memory reserved after
    replace 1 on "n2" *: version 2 replaces version 1; the only node that fits: none of this job there yet, 98 % of memory reserved after
    "
  `);
});

test('what would not fit is told, and changes nothing', () => {
  const fleet = running();
  const { index } = fleet.tables;
  expect(preview(fleet, { count: 2, resources: { cpuMillis: 100, memoryMib: 9_000 } })).toMatchInlineSnapshot(`
    "
    version 2
    replace 0 on "" *: version 2 replaces version 1, but no node fits
    replace 1 on "" *: version 2 replaces version 1, but no node fits
    unplaced 2: memory: 9000 MiB asked, 3840 MiB free at most
    "
  `);
  expect(fleet.tables.index).toBe(index);
  expect(fleet.plan()).toEqual({ placements: [], stops: [], unplaced: [], unfinishedJobs: [] });
});

test('a stopped job would start again', () => {
  const fleet = running();
  fleet.apply({ kind: 'stop-job', name: 'web' });
  fleet.settle();
  expect(preview(fleet, { count: 1 })).toMatchInlineSnapshot(`
    "
    version 2
    place 0 on "n1": best of 2 nodes that fit: none of this job there yet, 6 % of memory reserved after
    "
  `);
});

test('what is previewed is what happens in the end', () => {
  const fleet = running();
  const changes = { count: 3, command: ['other'] };
  const inputs = { nowMs: fleet.timeMs, seed: 1, placementsMax: 1_000 };
  const { actions, version } = previewJob(fleet.tables, exampleSpec(changes), inputs);
  fleet.submit(changes);
  fleet.settle();
  const wanted = actions.filter(({ kind }) => kind !== 'stop').map(({ instance }) => `web/${instance} v${version}`);
  expect(fleet.living().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(wanted);
});

test('a preview names the nodes that the plan takes, whatever their seeds', () => {
  const fleet = new PlannedFleet();
  for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) fleet.node(name);
  for (const name of ['first', 'second', 'third']) {
    const changes = { name, count: 2 };
    const inputs = { nowMs: fleet.timeMs, seed: 0x9e3779b9, placementsMax: 1_000 };
    const { actions } = previewJob(fleet.tables, exampleSpec(changes), inputs);
    fleet.submit(changes);
    fleet.settle();
    const taken = fleet.living().filter((line) => line.startsWith(`${name}/`));
    expect(taken.map((line) => line.split(' ')[2])).toEqual(actions.map(({ nodeName }) => nodeName));
  }
});
