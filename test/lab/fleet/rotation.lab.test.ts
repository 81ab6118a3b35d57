import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { MarkWriter } from '../../cluster/harness/mark-writer.ts';
import { runJob, settled } from '../../cluster/harness/run-job.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { invocationOf } from './fleet-jobs.ts';
import { agentIsBack, clientOf, InstalledFleet, installFleet } from './installed-fleet.ts';
import { repositoryTest } from './shared-fleet.ts';

/** Short: certificates are renewed, several times over, while the test runs. */
const SETTINGS = '\n[certificates]\nlifetime = "30s"\n';
const ROTATED_MS_MAX = 120_000;
const SETTLED_MS_MAX = 120_000;
const MARKS_MIN = 50;

const JOB = 'name = "on-all"\ntype = "system"\ncommand = ["sleep", "infinity"]\n';

interface Authority {
  readonly id: string;
  readonly issuing: boolean;
  readonly nodes: number;
}

/**
 * Three machines, one of which is off while the authority is replaced. Its member stays away for longer than its agent:
 * the old authority stays until all members know the new one, so that it is there when the agent comes back with nothing
 * but what it knew.
 */
repositoryTest('the authority is replaced under load: nothing restarts, and who was off comes back', async (shared) => {
  const { lab, repository, url } = shared;
  const names = { controlPlane: ['ca-1', 'ca-2', 'ca-3'], workers: [] };
  const first = await installFleet(lab, { names, repository, url, memberSettings: SETTINGS });
  const [one, , off] = first.controlPlane as [Machine, Machine, Machine];
  await runJob(first.client, JOB);
  const placed = await settled(first.client, 'on-all', { count: 3, timeoutMs: SETTLED_MS_MAX });
  const workloads = placed.filter(({ nodeName }) => nodeName !== off.name);
  const invocations = await invocationsOf(first, workloads);
  const [old] = await authorities(first);
  await off.succeed('systemctl disable --quiet cell-control-plane.service');
  await off.losePower();

  const writer = new MarkWriter(first.client);
  await waitFor(async () => (await first.cellctl(['ca', 'rotate'])).exitCode === 0, { what: 'a leader to rotate' });
  const token = (await one.succeed('cellctl token create --role admin --name next')).trim();
  const fleet = new InstalledFleet(
    lab,
    first.controlPlane,
    [],
    await clientOf(lab, first.controlPlane.slice(0, 2), token),
  );
  await issuedBy(fleet, 2);
  await off.boot();
  await fleet.ready();
  const both = await issuedBy(fleet, 3);
  expect(both).toMatchObject([{ id: old!.id }, { issuing: true }]);

  await off.succeed('systemctl enable --quiet --now cell-control-plane.service');
  await waitFor(async () => (await authorities(fleet)).length === 1, {
    what: 'the old authority to be retired',
    timeoutMs: ROTATED_MS_MAX,
    pollMs: 500,
  });
  const acknowledged = writer.acknowledged;
  await waitFor(() => writer.acknowledged > acknowledged + MARKS_MIN, { what: 'writes to go on' });
  await writer.stop();
  expect(await writer.lost(fleet.client)).toEqual([]);
  console.log(`${writer.acknowledged} writes; failures ${JSON.stringify([...writer.failures])}`);
  expect(await invocationsOf(fleet, workloads)).toEqual(invocations);

  // From its disk, with the new authority alone.
  await one.succeed('systemctl restart cell-control-plane.service cell-agent.service');
  await agentIsBack(fleet, one);
  await settled(fleet.client, 'on-all', { count: 3, timeoutMs: SETTLED_MS_MAX });
  expect(await invocationsOf(fleet, workloads)).toEqual(invocations);
  // One that boots quickly is back before its lease is over.
  expect((await lostNodes(fleet)).filter((name) => name !== off.name)).toEqual([]);
  await Promise.all(fleet.machines.map((machine) => machine.losePower()));
});

async function authorities({ client }: InstalledFleet): Promise<readonly Authority[]> {
  return (await client.identity.getAuthorities({})).authorities;
}

/** Waits until so many nodes have certificates of the newest. */
function issuedBy(fleet: InstalledFleet, nodes: number): Promise<readonly Authority[]> {
  return waitFor(
    async () => {
      const all = await authorities(fleet);
      return all.length === 2 && all[1]!.nodes === nodes ? all : undefined;
    },
    { what: `${nodes} nodes to renew`, timeoutMs: ROTATED_MS_MAX, pollMs: 250 },
  );
}

function invocationsOf(fleet: InstalledFleet, allocations: readonly Allocation[]): Promise<string[]> {
  return Promise.all(allocations.map((allocation) => invocationOf(fleet, allocation)));
}

/** Names of all that were lost at some time, each once. */
async function lostNodes(fleet: InstalledFleet): Promise<string[]> {
  const lost = new Set<string>();
  for await (const { event } of fleet.client.fleet.streamEvents({})) {
    if (event?.type === 'NodeLost') lost.add(event.subject.replace('node/', ''));
  }
  return [...lost];
}
