import { type Allocation, NodeStatus } from '@cell/sdk';
import { expect } from 'vitest';
import { settled } from '../../cluster/harness/run-job.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { onMachine, sleeper, startJob, unitOf } from './fleet-jobs.ts';
import { isConnected, joinAgents } from './installed-fleet.ts';
import { fleetTest } from './shared-fleet.ts';

/** Far less than its lease, which a node that is not told would use up; on an idle machine it takes milliseconds. */
const CUT_MS_MAX = 5_000;
const LOST_MS_MAX = 60_000;

fleetTest('a revoked node is cut off, stays out, and its machine comes back as another one', async ({ fleet }) => {
  const machine = fleet.workers[2] as Machine;
  const [left] = (await startJob(fleet, sleeper('left') + onMachine(machine), 1)) as [Allocation];
  const idOf = async () => (await fleet.nodes()).find(({ name }) => name === machine.name)?.id;
  const revoked = await idOf();

  expect(await fleet.cellctl(['node', 'revoke', machine.name, '--yes'])).toMatchObject({ exitCode: 0 });
  const answeredMs = performance.now();
  await waitFor(async () => !(await isConnected(machine)), { what: 'it to be cut off' });
  const cutMs = performance.now() - answeredMs;
  console.log(`A revoked node is cut off ${cutMs.toFixed(0)} ms after the answer`);
  expect(cutMs).toBeLessThan(CUT_MS_MAX);
  await machine.succeed('systemctl restart cell-agent.service');
  await waitFor(async () => (await machine.succeed('systemctl status cell-agent.service')).includes('revoked'), {
    what: 'its machine to say why it is out',
  });
  expect(await isConnected(machine)).toBe(false);
  await waitFor(async () => (await statusOf()) === NodeStatus.LOST, { what: 'it to be lost', timeoutMs: LOST_MS_MAX });
  async function statusOf(): Promise<NodeStatus | undefined> {
    return (await fleet.nodes()).find(({ id }) => id === revoked)?.status;
  }

  await machine.succeed('systemctl stop cell-agent.service && rm -r /var/lib/cell/agent');
  await joinAgents([machine], fleet.controlPlane[0]!);
  await fleet.ready();
  expect(await idOf()).not.toBe(revoked);
  // What the machine ran for the node that it was is not the new node's.
  const [again] = (await settled(fleet.client, 'left', { count: 1, timeoutMs: LOST_MS_MAX })) as [Allocation];
  expect(again).toMatchObject({ nodeName: machine.name });
  expect(again.id).not.toBe(left.id);
  const units = "systemctl list-units --plain --no-legend 'cell-left-*'";
  await waitFor(async () => (await machine.succeed(units)).trim().split('\n').length === 1, {
    what: 'one instance to be left',
  });
  expect(await machine.succeed(units)).toContain(unitOf(again));
});
