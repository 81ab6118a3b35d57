import { type Allocation, AllocationState } from '@cell/sdk';
import { onTestFinished } from 'vitest';
import { instancesOf, runJob, settled } from '../../cluster/harness/run-job.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import type { InstalledFleet } from './installed-fleet.ts';

/** On machines that all share a few cores. */
const SETTLED_MS_MAX = 120_000;

/** Text of a job file for a service that does nothing. */
export function sleeper(name: string): string {
  return `name = "${name}"\ncommand = ["sleep", "infinity"]\n`;
}

/** Text to add to a job file, so that it is for one machine. */
export function onMachine(machine: Machine): string {
  return `\n[[constraints]]\nattribute = "node.name"\nvalue = "${machine.name}"\n`;
}

/** Submits a job, which is stopped at the end of the test, and waits until so many instances are healthy. */
export async function startJob(fleet: InstalledFleet, toml: string, count: number): Promise<Allocation[]> {
  return settled(fleet.client, await submitJob(fleet, toml), { count, timeoutMs: SETTLED_MS_MAX });
}

/** Submits a batch job, and waits until so many of its allocations have ended, however they did. */
export async function runBatch(fleet: InstalledFleet, toml: string, count: number): Promise<Allocation[]> {
  const job = await submitJob(fleet, toml);
  return waitFor(
    async () => {
      const { allocations } = await fleet.client.jobs.getJob({ name: job });
      const ended = allocations.filter(
        ({ state }) => state === AllocationState.COMPLETE || state === AllocationState.FAILED,
      );
      return ended.length >= count ? ended : undefined;
    },
    { what: `${count} instances of batch job "${job}" to end`, timeoutMs: SETTLED_MS_MAX, pollMs: 100 },
  );
}

async function submitJob(fleet: InstalledFleet, toml: string): Promise<string> {
  const job = /^name = "(.*)"$/m.exec(toml)?.[1] as string;
  await runJob(fleet.client, toml);
  onTestFinished(() => stopJob(fleet, job));
  return job;
}

async function stopJob(fleet: InstalledFleet, job: string): Promise<void> {
  await fleet.client.jobs.stopJob({ name: job });
  await waitFor(async () => (await instancesOf(fleet.client, job)).length === 0, {
    what: `job "${job}" to stop`,
    timeoutMs: SETTLED_MS_MAX,
  });
}

export function unitOf({ job, id }: Allocation): string {
  return `cell-${job}-${id}.service`;
}

/** Changes with every start of a unit, and with nothing else. */
export async function invocationOf(fleet: InstalledFleet, allocation: Allocation): Promise<string> {
  return (await unitProperties(fleet, allocation, ['InvocationID']))['InvocationID'] as string;
}

/** As systemd on the allocation's machine has them. */
export async function unitProperties(
  fleet: InstalledFleet,
  allocation: Allocation,
  names: readonly string[],
): Promise<Record<string, string>> {
  const command = ['systemctl', 'show', `--property=${names.join(',')}`, unitOf(allocation)];
  const lines = (await fleet.machineOf(allocation).succeed(command)).trim().split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** All that `cellctl allocation logs` gives, asked on any machine. */
export async function logsOf(fleet: InstalledFleet, allocation: Allocation, on?: Machine): Promise<string> {
  const words = ['allocation', 'logs', allocation.id];
  const { exitCode, output, errors } = await fleet.cellctl(words, on === undefined ? {} : { on });
  if (exitCode !== 0) throw new Error(`Cannot read the output of "${allocation.id}": ${errors}`);
  return output;
}
