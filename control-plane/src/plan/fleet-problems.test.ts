import { expect, test } from 'vitest';
import { fleetProblems } from './fleet-problems.ts';
import { PROBLEMS_PER_KIND_MAX } from './limits.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

const voter = (id: number, reachable = true) => ({ id, reachable, kind: 'voter' as const });
const allThere = { leaderId: 1, nowMs: 0, members: [1, 2, 3].map((id) => voter(id)) };

function fleetOf(nodes: number): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 1; number <= nodes; number += 1) fleet.node(`n${number}`);
  return fleet;
}

function told(fleet: PlannedFleet, controlPlane: Parameters<typeof fleetProblems>[1] = allThere): string {
  const problems = fleetProblems(fleet.tables, controlPlane);
  return problems
    .map(({ severity, message, advice }) => `\n${severity}: ${message}\n  ${advice}`)
    .join('')
    .replace(/logs \w+/, 'logs ID');
}

test('a fleet in which all is right has no problems', () => {
  const fleet = fleetOf(3);
  fleet.submit();
  fleet.settle();
  expect(told(fleet)).toBe('');
});

test('members that are away, and a missing leader, come with what to do', () => {
  const away = (...ids: number[]) => [1, 2, 3].map((id) => voter(id, !ids.includes(id)));
  expect(told(fleetOf(1), { ...allThere, members: away(2) })).toMatchInlineSnapshot(`
    "
    warning: Member 2 does not answer: 2 of 3 are there
      Start "cell-control-plane" there again, and look at its log"
  `);
  expect(told(fleetOf(1), { ...allThere, leaderId: 0, members: away(2, 3) })).toMatchInlineSnapshot(`
    "
    critical: The control plane has no leader: nothing can be changed
      Start members until most run; "cellctl control-plane recover" is for when most are lost for good
    critical: Members 2, 3 do not answer: 1 of 3 are there
      Start "cell-control-plane" there again, and look at its log"
  `);
});

test('lost nodes, jobs without a node and unhealthy instances are told, the worst first', () => {
  const fleet = fleetOf(2);
  fleet.submit({ count: 1 });
  fleet.submit({ name: 'large', count: 2, resources: { cpuMillis: 100, memoryMib: 4_000 } });
  fleet.settle();
  fleet.agentsReport('unhealthy');
  fleet.lose('n1');
  fleet.step();
  expect(told(fleet)).toMatchInlineSnapshot(`
    "
    critical: Job "large": 1 instance is not placed: memory: 4000 MiB asked, 96 MiB free at most
      Lower resources.memory to 96MiB, or add a node with 4000 MiB of memory and 0.1 cores free
    critical: Job "large": 1 instance is unhealthy, among them 0 on "n2"
      Read "cellctl allocation logs ID"
    critical: Job "web": 1 instance is not placed: memory: 256 MiB asked, 96 MiB free at most
      Lower resources.memory to 96MiB, or add a node with 256 MiB of memory and 0.5 cores free
    warning: Node "n1" is lost: Its lease ran out
      Start "cell-agent" there again, or leave it: what ran there is placed elsewhere"
  `);
});

test('a job that failed too often is told with its output', () => {
  const fleet = fleetOf(1);
  fleet.submit({ count: 1 });
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    fleet.step();
    fleet.agentsReport('failed');
  }
  fleet.step();
  expect(told(fleet)).toMatchInlineSnapshot(`
    "
    critical: Job "web": 1 instance is not placed: instance 0 failed 5 times in a row in version 1, the last time: Exit code 1
      Read "cellctl allocation logs ID", then run the corrected job"
  `);
});

test('a fleet with jobs and without nodes is critical, and without jobs it is new', () => {
  const fleet = fleetOf(0);
  expect(told(fleet)).toBe('');
  fleet.submit({ count: 1 });
  expect(told(fleet)).toMatch(/^\ncritical: No node is ready/);
});

test('many problems of a kind are cut short', () => {
  const fleet = fleetOf(PROBLEMS_PER_KIND_MAX + 5);
  fleet.lose(...Array.from({ length: PROBLEMS_PER_KIND_MAX + 5 }, (_, number) => `n${number + 1}`));
  const problems = fleetProblems(fleet.tables, allThere);
  expect(problems).toHaveLength(PROBLEMS_PER_KIND_MAX + 1);
  expect(problems.at(-1)?.message).toBe('5 more problems with nodes');
});

test('a drain is no problem, but one that is stuck is, with what ends it', () => {
  const fleet = fleetOf(2);
  fleet.submit({ count: 4, resources: { cpuMillis: 100, memoryMib: 1_500 } });
  fleet.settle();
  fleet.drain('n1', { deadlineMs: 60_000 });
  expect(told(fleet)).toMatchInlineSnapshot(`
    "
    warning: The drain of node "n1" is stuck: web/0 finds no room elsewhere: memory: 1500 MiB asked, 1096 MiB free at most (and 1 more)
      Help it (see "cellctl node show n1"), or let the deadline stop it"
  `);
  fleet.drain('n1');
  expect(told(fleet)).toContain('or have it stopped after a while with "cellctl node drain n1 --deadline 10m"');
  fleet.node('n3');
  expect(told(fleet)).toBe('');
  fleet.settle();
  expect(told(fleet)).toBe('');
});
