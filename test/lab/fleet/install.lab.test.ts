import { AllocationState } from '@cell/sdk';
import { expect } from 'vitest';
import { logsOf, runBatch, startJob, unitOf, unitProperties } from './fleet-jobs.ts';
import { fleetTest } from './shared-fleet.ts';

const SERVICE = 'name = "served"\ncount = 3\ncommand = ["sleep", "infinity"]\n';
const SYSTEM = 'name = "everywhere"\ntype = "system"\ncommand = ["sleep", "infinity"]\n';
const BATCH = 'name = "once"\ntype = "batch"\ncount = 2\ncommand = ["sh", "-c", "echo done $CELL_INSTANCE"]\n';

fleetTest('six machines with packages from the signed repository are a fleet', async ({ fleet }) => {
  const { output } = await fleet.cellctl(['fleet', 'status']);

  expect(output).toContain('6 nodes ready');
  for (const machine of fleet.machines)
    expect(await machine.succeed('systemctl is-active cell-agent.service')).toBe('active\n');
  for (const machine of fleet.controlPlane)
    expect(await machine.succeed('systemctl is-active cell-control-plane.service')).toBe('active\n');
});

fleetTest('services, batch jobs and system jobs run as units of systemd', async ({ fleet }) => {
  const served = await startJob(fleet, SERVICE, 3);
  const everywhere = await startJob(fleet, SYSTEM, 6);
  expect(new Set(everywhere.map(({ nodeName }) => nodeName)).size).toBe(6);
  for (const allocation of [...served, ...everywhere]) {
    const names = ['ActiveState', 'SubState', 'Slice', 'DynamicUser', 'Transient'];
    expect(await unitProperties(fleet, allocation, names)).toEqual({
      ActiveState: 'active',
      SubState: 'running',
      Slice: 'cell.slice',
      DynamicUser: 'yes',
      Transient: 'yes',
    });
    expect(await fleet.machineOf(allocation).succeed('systemctl status cell.slice')).toContain(unitOf(allocation));
  }

  const ended = await runBatch(fleet, BATCH, 2);
  for (const allocation of ended) {
    expect(allocation).toMatchObject({ state: AllocationState.COMPLETE, exitCode: 0 });
    expect(await logsOf(fleet, allocation)).toBe(`done ${allocation.instance}\n`);
    const journal = `journalctl --output=cat _SYSTEMD_UNIT=${unitOf(allocation)} CELL_JOB=once`;
    expect(await fleet.machineOf(allocation).succeed(journal)).toBe(`done ${allocation.instance}\n`);
  }
});
