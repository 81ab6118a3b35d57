import { expect } from 'vitest';
import { fleetTest } from './shared-fleet.ts';

fleetTest('six machines with packages from the signed repository are a fleet', async ({ fleet }) => {
  const { output } = await fleet.cellctl(['fleet', 'status']);

  expect(output).toContain('6 nodes ready');
  for (const machine of fleet.machines)
    expect(await machine.succeed('systemctl is-active cell-agent.service')).toBe('active\n');
  for (const machine of fleet.controlPlane)
    expect(await machine.succeed('systemctl is-active cell-control-plane.service')).toBe('active\n');
});
