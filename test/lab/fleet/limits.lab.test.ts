import { AllocationState } from '@cell/sdk';
import { expect } from 'vitest';
import type { Machine } from '../machines/machine.ts';
import { invocationOf, logsOf, onMachine, runBatch, startJob, unitProperties } from './fleet-jobs.ts';
import { fleetTest } from './shared-fleet.ts';

const NEIGHBOUR =
  'name = "neighbour"\ncommand = ["sleep", "infinity"]\n[resources]\nmemory = "8MiB"\n[limits]\nmemory_max = "64MiB"\n';

/** Takes memory until somebody stops it. */
const GREEDY = `
name = "greedy"
type = "batch"
command = ["tail", "/dev/zero"]
[restart]
mode = "never"
[resources]
memory = "8MiB"
[limits]
memory_max = "64MiB"
`;

const LIMITED = `
name = "limited"
type = "batch"
command = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; wait"]
[restart]
mode = "never"
[resources]
memory = "8MiB"
[limits]
memory_max = "96MiB"
cpu_max = 0.5
cpu_weight = 50
tasks_max = 5
files_max = 100
`;

fleetTest('who takes more memory than allowed is killed, and nobody else, and cellctl says why', async ({ fleet }) => {
  const machine = fleet.workers[0] as Machine;
  const [neighbour] = await startJob(fleet, NEIGHBOUR + onMachine(machine), 1);
  const agentBefore = await machine.succeed('systemctl show --property=InvocationID cell-agent.service');
  const invocation = await invocationOf(fleet, neighbour!);

  const [greedy] = await runBatch(fleet, GREEDY + onMachine(machine), 1);

  expect(greedy!.state).toBe(AllocationState.FAILED);
  expect((await fleet.cellctl(['allocation', 'show', greedy!.id])).output).toMatch(/lack of memory/i);
  expect(await invocationOf(fleet, neighbour!)).toBe(invocation);
  expect(await machine.succeed('systemctl show --property=InvocationID cell-agent.service')).toBe(agentBefore);
});

fleetTest('processor time, tasks and files are limited', async ({ fleet }) => {
  const machine = fleet.workers[0] as Machine;
  const service = LIMITED.replace('"batch"', '"service"')
    .replace('"limited"', '"held"')
    .replace('mode = "never"', '')
    .replace(/command = .*/, 'command = ["sleep", "infinity"]');
  const [held] = await startJob(fleet, service + onMachine(machine), 1);
  const names = ['MemoryMax', 'CPUQuotaPerSecUSec', 'CPUWeight', 'TasksMax', 'LimitNOFILE'];
  expect(await unitProperties(fleet, held!, names)).toEqual({
    MemoryMax: `${96 * 2 ** 20}`,
    CPUQuotaPerSecUSec: '500ms',
    CPUWeight: '50',
    TasksMax: '5',
    LimitNOFILE: '100',
  });

  const [limited] = await runBatch(fleet, LIMITED + onMachine(machine), 1);
  expect(await logsOf(fleet, limited!)).toMatch(/fork/i);
});
