import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { invocationOf, onMachine, sleeper, startJob } from './fleet-jobs.ts';
import type { InstalledFleet } from './installed-fleet.ts';
import { fleetTest } from './shared-fleet.ts';

/** The watchdog bites after WatchdogSec (at most 30 s); then the daemon has to come back. */
const BITTEN_MS_MAX = 150_000;
const MS_PER_S = 1000;

fleetTest('agents and members that stand still are started again, and workloads notice nothing', async ({ fleet }) => {
  const worker = fleet.workers[1] as Machine;
  const member = fleet.controlPlane[2] as Machine;
  const [calm] = (await startJob(fleet, sleeper('calm') + onMachine(worker), 1)) as [Allocation];
  const invocation = await invocationOf(fleet, calm);
  const startedMs = Date.now();

  await Promise.all([standStill(worker, 'cell-agent.service'), standStill(member, 'cell-control-plane.service')]);

  await fleet.ready();
  // On a machine so slow that the agent came back after its lease had run out, the fleet rightly placed it anew.
  if (!(await wasLost(fleet, worker, startedMs))) expect(await invocationOf(fleet, calm)).toBe(invocation);
});

/** As with an endless loop: nothing in it goes on. Waits until systemd has seen to it. */
async function standStill(machine: Machine, unit: string): Promise<void> {
  const pidBefore = await mainPid(machine, unit);
  await machine.succeed(`kill -STOP ${pidBefore}`);
  await waitFor(
    async () => {
      const active = (await machine.run(`systemctl is-active ${unit}`)).output;
      return active === 'active\n' && (await mainPid(machine, unit)) !== pidBefore;
    },
    { what: `the watchdog of ${unit}`, timeoutMs: BITTEN_MS_MAX, pollMs: 250 },
  );
  expect(await machine.succeed(`journalctl --unit=${unit} --no-pager`)).toMatch(/Watchdog timeout/);
}

async function mainPid(machine: Machine, unit: string): Promise<string> {
  return (await machine.succeed(`systemctl show --property=MainPID --value ${unit}`)).trim();
}

/** Whether the machine's node has been lost since then: its status has changed. */
async function wasLost(fleet: InstalledFleet, machine: Machine, sinceMs: number): Promise<boolean> {
  const node = (await fleet.nodes()).find(({ name }) => name === machine.name);
  return Number(node?.statusChangedAt?.seconds ?? 0) * MS_PER_S > sinceMs;
}
