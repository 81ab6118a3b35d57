import { expect, test } from 'vitest';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

/** Several times what it takes on a slow machine: these find an algorithm that has become another one, not a slow day. */
const MANY_MS_MAX = 3_000;
const ONE_MS_MAX = 20;

function fleetOf(nodes: number): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 0; number < nodes; number += 1) fleet.node(`n${number}`, { cpuMillis: 64_000, memoryMib: 65_536 });
  return fleet;
}

/** Of the processor's time, since other things may have it meanwhile. */
function spentMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1_000;
}

const small = { resources: { cpuMillis: 100, memoryMib: 64 } };

test('10,000 placements over 100 nodes take less than 3 s', () => {
  const fleet = fleetOf(100);
  fleet.placementsMax = 1_000;
  for (let job = 0; job < 10; job += 1) fleet.submit({ name: `job-${job}`, count: 1_000, ...small });
  const start = process.threadCpuUsage();
  let planned = 0;
  let placed = 0;
  for (let round = 0; round < 10; round += 1) {
    const before = process.threadCpuUsage();
    const plan = fleet.plan([`job-${round}`]);
    planned += spentMs(before);
    fleet.seed += 1;
    fleet.carryOut(plan);
    placed += plan.placements.length;
  }
  const tookMs = spentMs(start);
  expect(placed).toBe(10_000);
  expect(fleet.living()).toHaveLength(10_000);
  expect(planned, `planning took ${planned} ms of ${tookMs} ms`).toBeLessThan(MANY_MS_MAX);
});

test('one job of 10,000 instances is placed in plans of 1,000 without slowing down', () => {
  const fleet = fleetOf(100);
  fleet.submit({ name: 'large', type: 'batch', count: 10_000, ports: [], resources: { cpuMillis: 10, memoryMib: 8 } });
  const start = process.threadCpuUsage();
  for (let round = 0; round < 10; round += 1) fleet.step(['large']);
  expect(fleet.living()).toHaveLength(10_000);
  expect(spentMs(start)).toBeLessThan(2 * MANY_MS_MAX);
});

test('one placement over 1,000 nodes takes a few milliseconds at most', () => {
  const fleet = fleetOf(1_000);
  fleet.submit({ count: 500, ...small });
  fleet.settle();
  const timesMs: number[] = [];
  for (let round = 0; round < 30; round += 1) {
    fleet.submit({ name: `job-${round}`, count: 1, ...small });
    const before = process.threadCpuUsage();
    const plan = fleet.plan([`job-${round}`]);
    timesMs.push(spentMs(before));
    fleet.seed += 1;
    fleet.carryOut(plan);
  }
  timesMs.sort((one, other) => one - other);
  expect(timesMs[15]).toBeLessThan(ONE_MS_MAX);
});
