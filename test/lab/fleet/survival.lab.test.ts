import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { LAB_TEST_MS_MAX } from '../lab-limits.ts';
import { endInside, type Machine } from '../machines/machine.ts';
import { buildRepository } from './build-repository.ts';
import { invocationOf, logsOf, onMachine, startJob } from './fleet-jobs.ts';
import { installPackages } from './install-packages.ts';
import { agentIsBack, type InstalledFleet } from './installed-fleet.ts';
import { FIRST_VERSION, fleetTest } from './shared-fleet.ts';

const NEXT_VERSION = '0.1.1';

/** Numbers without end, some fifty a second. */
const COUNTER = `
name = "counter"
command = ["perl", "-e", "$| = 1; for ($n = 0;; $n++) { print qq($n\\n); select undef, undef, undef, 0.02 }"]
[resources]
cpu = 0.01
memory = "8MiB"
`;

fleetTest('an agent that is killed or upgraded costs no workload its run, and no reader a line', async (shared) => {
  const { fleet, repository } = shared;
  const machine = fleet.workers[0] as Machine;
  const [counter] = (await startJob(fleet, COUNTER + onMachine(machine), 1)) as [Allocation];
  const invocation = await invocationOf(fleet, counter);
  const reader = fleet.controlPlane[0]!.start(['cellctl', 'allocation', 'logs', '--follow', counter.id], {
    timeoutMs: LAB_TEST_MS_MAX,
  });
  await waitFor(() => reader.output.includes('\n'), { what: 'the first lines' });

  for (let kill = 0; kill < 3; kill += 1) {
    const before = await agentPid(machine);
    await machine.succeed('systemctl kill --kill-whom=all --signal=SIGKILL cell-agent.service');
    await agentIsAnother(fleet, machine, before);
    await readsOn(fleet, counter, reader);
  }
  expect(await invocationOf(fleet, counter)).toBe(invocation);

  await buildRepository(repository, NEXT_VERSION);
  const before = await agentPid(machine);
  await installPackages(machine, ['cell-agent', 'cellctl']);
  expect(await machine.succeed('dpkg-query --show cell-agent')).toBe(`cell-agent\t${NEXT_VERSION}\n`);
  expect(NEXT_VERSION).not.toBe(FIRST_VERSION);
  await agentIsAnother(fleet, machine, before);
  await waitFor(async () => (await fleet.nodes()).some((node) => node.agentVersion === NEXT_VERSION), {
    what: 'the new agent to be known',
  });
  await readsOn(fleet, counter, reader);

  expect(await invocationOf(fleet, counter)).toBe(invocation);
  const { allocations } = await fleet.client.jobs.getJob({ name: 'counter' });
  expect(allocations).toMatchObject([{ id: counter.id, restarts: 0 }]);
  const { output } = await endInside(reader, 'SIGINT');
  expectNumbers(output);
  expectNumbers(await logsOf(fleet, counter));
});

fleetTest('the members are upgraded one after the other, and the fleet serves meanwhile', async ({ fleet }) => {
  const worker = fleet.workers[1] as Machine;
  const [counter] = (await startJob(fleet, COUNTER + onMachine(worker), 1)) as [Allocation];
  const invocation = await invocationOf(fleet, counter);

  for (const machine of fleet.controlPlane) {
    await installPackages(machine, ['cell-control-plane', 'cell-agent', 'cellctl']);
    // Two of three serve while one is away, and apt comes back when that one is ready.
    expect((await fleet.cellctl(['fleet', 'status'], { on: machine })).exitCode).toBe(0);
  }

  await fleet.ready();
  expect(await invocationOf(fleet, counter)).toBe(invocation);
  expectNumbers(await logsOf(fleet, counter));
});

/** Until systemd has noticed the end of the one before, all that it says is of that one. */
async function agentIsAnother(fleet: InstalledFleet, machine: Machine, before: string): Promise<void> {
  await waitFor(async () => !['0', before].includes(await agentPid(machine)), {
    what: 'another agent',
    timeoutMs: 60_000,
  });
  await agentIsBack(fleet, machine);
}

async function agentPid(machine: Machine): Promise<string> {
  return (await machine.succeed('systemctl show --property=MainPID --value cell-agent.service')).trim();
}

/** Waits until the reader has a line that was written from now on. */
async function readsOn(fleet: InstalledFleet, counter: Allocation, reader: { readonly output: string }): Promise<void> {
  const journal = `journalctl --output=cat --lines=1 CELL_ALLOCATION=${counter.id}`;
  const newest = (await fleet.machineOf(counter).succeed(journal)).trim();
  await waitFor(() => reader.output.includes(`\n${newest}\n`), { what: `the reader to come to line ${newest}` });
}

/** 0, 1, 2, and so on: none lost, none doubled, and only the last line may be cut off. */
function expectNumbers(output: string): void {
  const numbers = output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number);
  const wrong = numbers.findIndex((number, place) => number !== place);
  expect(wrong === -1 ? 'in order' : `line ${wrong} is ${numbers.slice(wrong, wrong + 3).join(', ')}`).toBe('in order');
  expect(numbers.length).toBeGreaterThan(100);
}
