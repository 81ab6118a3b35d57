import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectPlain } from '../client/testing/connect-plain.ts';
import type { DrillClock } from './drill-clock.ts';
import { type FailoverDrillOptions, runFailoverDrill } from './run-failover-drill.ts';
import { FakeFleet, type FleetFaults } from './testing/fake-fleet.ts';

const clock: DrillClock = {
  monotonicMs: () => performance.now(),
  async sleep(durationMs, signal) {
    await sleep(durationMs, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
  },
};

const fleets: FakeFleet[] = [];
afterAll(() => {
  for (const fleet of fleets.splice(0)) fleet.end();
});

async function fleetWith(faults: FleetFaults = {}): Promise<FakeFleet> {
  const fleet = await FakeFleet.start(faults);
  fleets.push(fleet);
  return fleet;
}

function drill(fleet: FakeFleet, changed: Partial<FailoverDrillOptions> = {}) {
  return runFailoverDrill({
    addresses: fleet.addresses,
    connect: connectPlain,
    clock,
    drillId: 'drill-1',
    mode: 'crash',
    limits: { newLeaderMsMax: 30_000, pauseMsMax: 30_000 },
    writesPerSecond: 20,
    timeoutMs: 40_000,
    memberBackMsMax: 0,
    force: false,
    onProgress: () => {},
    signal: new AbortController().signal,
    ...changed,
  });
}

test.concurrent('a good failover passes, with every acknowledged write found', async () => {
  const fleet = await fleetWith();
  const report = await drill(fleet);
  expect(report.reasons).toEqual([]);
  expect(report).toMatchObject({ passed: true, leaderBefore: 1, leaderAfter: 2, agents: { before: 6, after: 6 } });
  expect(report.newLeaderMs).toBeGreaterThan(30);
  expect(report.writes.pauseMs).toBeGreaterThan(30);
  expect(report.writes.acknowledged).toBeGreaterThanOrEqual(report.writes.acknowledgedBefore + 20);
  expect(report.workloads).toEqual({ ran: 1, disturbed: [] });
  // Each mark was written, and none after the drill.
  expect(fleet.marks.length).toBeGreaterThanOrEqual(report.writes.acknowledged);
});

test.concurrent('a transfer is a drill of its own and kills nobody', async () => {
  const fleet = await fleetWith();
  expect(await drill(fleet, { mode: 'transfer' })).toMatchObject({ passed: true, leaderAfter: 2, warnings: [] });
});

test.concurrent.each<[string, FleetFaults, RegExp]>([
  ['acknowledged marks are not there', { losesMarks: [3, 5] }, /^2 of \d+ acknowledged writes are lost: marks 3, 5$/],
  ['there is no new leader', { neverElects: true }, /^No new leader was seen after member 1$/],
  ['no mark is acknowledged any more', { refusesMarks: true }, /^No write was acknowledged after the fault$/],
  ['a workload was restarted', { restartsWorkload: true }, /^Instance 0 of job "web" on node "node-1" was restarted$/],
  ['agents stay away', { losesAgents: 2 }, /^2 of 6 agents did not come back to the control plane$/],
  ['nothing happened to the leader', { ignoresOrder: true }, /^No new leader was seen after member 1$/],
])('the drill fails when %s', async (_case, faults, reason) => {
  const report = await drill(await fleetWith(faults), { timeoutMs: 5_000 });
  expect(report.passed).toBe(false);
  expect(report.reasons).toContainEqual(expect.stringMatching(reason));
});

test.concurrent('a failover that is too slow fails', async () => {
  const report = await drill(await fleetWith(), { limits: { newLeaderMsMax: 1, pauseMsMax: 1 } });
  expect(report.reasons).toEqual([
    expect.stringMatching(/^Writes paused for [\d.]+ s, longer than 0\.00 s$/),
    expect.stringMatching(/^A new leader took [\d.]+ s, longer than 0\.00 s$/),
  ]);
});

test.concurrent('a killed member that stays away is told', async () => {
  const report = await drill(await fleetWith(), { memberBackMsMax: 100 });
  expect(report).toMatchObject({ passed: true, memberBackMs: undefined });
  expect(report.warnings).toHaveLength(1);
});

test.concurrent('agents are waited for', async () => {
  const report = await drill(await fleetWith({ losesAgents: 2, agentsAwayMs: 2_000 }));
  expect(report).toMatchObject({ passed: true, agents: { before: 6, after: 6 } });
});

test.concurrent('a killed member that is started again is back, however long the rest takes', async () => {
  const report = await drill(await fleetWith({ restartsMember: true }), { memberBackMsMax: 30_000 });
  expect(report.memberBackMs).toBeGreaterThan(200);
  expect(report.memberBackMs).toBeLessThan(30_000);
  expect(report.warnings).toEqual([]);
});

test.concurrent('a fleet that is not all right is left alone, unless forced', async () => {
  const fleet = await fleetWith({ problems: ['Node "node-3" is lost'] });
  await expect(drill(fleet)).rejects.toMatchObject({
    code: 'CELL_E_NOT_READY',
    message: expect.stringContaining('Node "node-3" is lost'),
  });
  expect(fleet.faultInjected).toBe(false);
  expect((await drill(fleet, { force: true })).passed).toBe(true);
});

test.concurrent('a control plane that can lose no member is left alone, even when forced', async () => {
  const fleet = await fleetWith({ membersMax: 1 });
  await expect(drill(fleet, { force: true })).rejects.toMatchObject({ code: 'CELL_E_NOT_READY' });
  expect(fleet.faultInjected).toBe(false);
});

test.concurrent('an abort ends the drill and its writes', async () => {
  const fleet = await fleetWith({ neverElects: true });
  const controller = new AbortController();
  const running = drill(fleet, { signal: controller.signal, timeoutMs: 60_000 });
  setTimeout(() => controller.abort(new Error('stopped by hand')), 400);
  await expect(running).rejects.toThrow('stopped by hand');
});
