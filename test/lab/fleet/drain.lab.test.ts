import { expect } from 'vitest';
import { settled } from '../../cluster/harness/run-job.ts';
import type { Machine } from '../machines/machine.ts';
import { startJob } from './fleet-jobs.ts';
import { fleetTest } from './shared-fleet.ts';

const SERVICE = `
name = "moved"
count = 6
command = ["sleep", "infinity"]
[[constraints]]
attribute = "node.name"
operator = "in"
value = ["worker-1", "worker-2", "worker-3"]
[resources]
cpu = 0.01
memory = "8MiB"
`;

fleetTest(
  'a drained node is left by all units, takes none, and takes some again when it is given back',
  async ({ fleet }) => {
    const placed = await startJob(fleet, SERVICE, 6);
    const drained = fleet.lab.machine(placed[0]!.nodeName);

    const drain = await fleet.cellctl(['node', 'drain', drained.name, '--yes', '--deadline', '2m'], {
      timeoutMs: 150_000,
    });
    expect(drain, drain.errors).toMatchObject({ exitCode: 0 });

    expect(await unitsOn(drained)).toBe(0);
    const moved = await settled(fleet.client, 'moved', { count: 6 });
    expect(moved.map(({ nodeName }) => nodeName)).not.toContain(drained.name);
    expect((await fleet.cellctl(['node', 'list'])).output).toMatch(new RegExp(`^${drained.name}.*drain`, 'm'));

    expect(await fleet.cellctl(['node', 'undrain', drained.name])).toMatchObject({ exitCode: 0 });
    const others = fleet.workers.filter((worker) => worker !== drained);
    for (const other of others) await fleet.cellctl(['node', 'drain', other.name, '--yes', '--now']);
    // A drain is over when nothing is left there; what came of that elsewhere is another matter.
    const gathered = await settled(fleet.client, 'moved', { count: 6 });
    expect(new Set(gathered.map(({ nodeName }) => nodeName))).toEqual(new Set([drained.name]));
    for (const other of others) await fleet.cellctl(['node', 'undrain', other.name]);
    expect(await unitsOn(drained)).toBe(6);
  },
);

async function unitsOn(machine: Machine): Promise<number> {
  const command = "systemctl list-units --plain --no-legend 'cell-moved-*'";
  return (await machine.succeed(command)).split('\n').filter(Boolean).length;
}
