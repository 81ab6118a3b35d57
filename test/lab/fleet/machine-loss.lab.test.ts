import { type Allocation, AllocationState, NodeStatus } from '@cell/sdk';
import { expect } from 'vitest';
import { instancesOf, settled } from '../../cluster/harness/run-job.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { invocationOf, onMachine, startJob } from './fleet-jobs.ts';
import { agentIsBack } from './installed-fleet.ts';
import { fleetTest } from './shared-fleet.ts';

const MS_PER_S = 1000;
const REPLACED_MS_MAX = 120_000;
const SLOW_S_MAX = 60;

const SLEEP = 'command = ["sleep", "infinity"]\n';

/** Each start adds a line to the folder that stays. */
const STARTS = `
command = ["sh", "-c", "echo $CELL_ALLOCATION >>$STATE_DIRECTORY/starts; exec sleep infinity"]
directories = ["state"]
`;

fleetTest('what runs on a machine that reboots is started again, once', async ({ fleet }) => {
  const machine = fleet.workers[1] as Machine;
  const [before] = (await startJob(fleet, `name = "restarted"\n${STARTS}${onMachine(machine)}`, 1)) as [Allocation];

  await machine.reboot();

  await waitFor(async () => (await startsOn(machine)).length > 1, {
    what: 'a second start',
    timeoutMs: REPLACED_MS_MAX,
  });
  await agentIsBack(fleet, machine);
  const [after] = (await settled(fleet.client, 'restarted', { count: 1, timeoutMs: REPLACED_MS_MAX })) as [Allocation];
  const [first, ...others] = await startsOn(machine);
  expect(first).toBe(before.id);
  // A machine that boots in less time than it takes to be lost keeps its allocation. One that is lost when it comes back
  // may start what it had, before it hears that there is another in its place.
  const alsoBefore = after.id === before.id ? [] : [[before.id, after.id]];
  expect(others).toBeOneOf([[after.id], ...alsoBefore]);
  const units = await machine.succeed("systemctl list-units --plain --no-legend 'cell-restarted-*'");
  expect(units.trim().split('\n')).toHaveLength(1);
});

fleetTest('when the machine of the leader loses its power, what it ran is replaced in time', async ({ fleet }) => {
  const leader = await fleet.leader();
  const spare = fleet.workers[0] as Machine;
  const [kept] = (await startJob(fleet, `name = "kept"\n${SLEEP}${onMachine(fleet.workers[2]!)}`, 1)) as [Allocation];
  const invocation = await invocationOf(fleet, kept);
  // So that it is on the leader's machine, and may go to another: only a new leader can find out that it has to.
  await fleet.client.nodes.setNodeEligibility({ node: spare.name, eligible: false });
  const [lost] = (await startJob(fleet, `name = "replaced"\n${SLEEP}${onEither(leader, spare)}`, 1)) as [Allocation];
  await fleet.client.nodes.setNodeEligibility({ node: spare.name, eligible: true });
  expect(lost.nodeName).toBe(leader.name);

  const lostMs = performance.now();
  await leader.losePower();
  const [replacement] = await waitFor(
    async () => {
      const found = (await instancesOf(fleet.client, 'replaced')).filter(({ id }) => id !== lost.id);
      return found.some(({ state }) => state === AllocationState.HEALTHY || state === AllocationState.RUNNING) && found;
    },
    { what: 'a replacement', timeoutMs: REPLACED_MS_MAX, pollMs: 50 },
  );
  const took = (performance.now() - lostMs) / MS_PER_S;
  console.log(`Node and leader lost together: replaced after ${took.toFixed(1)} s`);

  expect(replacement!.nodeName).toBe(spare.name);
  // It takes less than 15 s, see above; this is for machines that do everything slowly.
  expect(took).toBeLessThan(SLOW_S_MAX);
  expect((await fleet.nodes()).find(({ name }) => name === leader.name)?.status).toBe(NodeStatus.LOST);
  expect(await invocationOf(fleet, kept)).toBe(invocation);
  await leader.boot();
  await fleet.ready();
});

/** Of the job "restarted": the allocation of each. */
async function startsOn(machine: Machine): Promise<string[]> {
  return (await machine.succeed('cat /var/lib/cell-jobs/restarted-0/starts')).trim().split('\n');
}

function onEither(one: Machine, other: Machine): string {
  return onMachine(one).replace(/value = .*/, `operator = "in"\nvalue = ["${one.name}", "${other.name}"]`);
}
