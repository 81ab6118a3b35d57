/** A node whose identity is ended: cut off at once, everywhere, for good. */
import { NodeStatus } from '@cell/sdk';
import { expect, test } from 'vitest';
import type { Agent, Fleet } from '../harness/fleet.ts';
import { instancesOf, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

/** What is promised; a little more for the looking itself. */
const CUT_MS_MAX = 1_000;
const LOOK_MS = 20;
const RETRIED_MS_MAX = 20_000;
const LEASES = '[leases]\nduration = "5s"\nheartbeat = "1s"\nmargin = "1500ms"\n';

function sessions(fleet: Fleet): Promise<(number | undefined)[]> {
  return Promise.all(fleet.members.map((member) => member.metric('cell_agent_sessions')));
}

async function isConnected(agent: Agent): Promise<boolean> {
  return (await agent.metric('cell_agent_connected')) === 1;
}

/** It tries again, and is told why it can't. */
async function refusedAgain(agent: Agent): Promise<void> {
  const before = agent.output().length;
  await waitFor(() => /revoked|CELL_E_FORBIDDEN|CELL_E_UNAUTHENTICATED/.test(agent.output().slice(before)), {
    what: `${agent.name} to be refused again`,
    timeoutMs: RETRIED_MS_MAX,
  });
  expect(await isConnected(agent)).toBe(false);
  expect((await agent.http('/readyz')).status).toBe(503);
}

test('a revoked node is cut off everywhere within a second, stays out over all restarts, and is replaced', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: LEASES });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: 'count = 2' }));
  await settled(client, 'web', { count: 2 });
  const [revoked, staying] = [fleet.agent(1), fleet.agent(2)];
  const cellctl = fleet.cellctl();

  expect(await cellctl.run('node', 'revoke', revoked.name, '--yes')).toMatchObject({ exitCode: 0 });
  const answeredMs = performance.now();
  await waitFor(async () => !(await isConnected(revoked)), { what: 'it to be cut off', pollMs: LOOK_MS });
  const cutMs = performance.now() - answeredMs;
  process.stdout.write(`cut off ${Math.round(cutMs)} ms after the answer\n`);
  expect(cutMs).toBeLessThan(CUT_MS_MAX);
  await waitFor(async () => (await sessions(fleet)).reduce<number>((sum, count) => sum + (count ?? 0), 0) === 1, {
    what: 'one session to be left',
  });
  await refusedAgain(revoked);
  expect(await isConnected(staying)).toBe(true);

  const statusOf = async () => (await client.nodes.getNode({ node: revoked.name })).node?.status;
  await waitFor(async () => (await statusOf()) === NodeStatus.LOST, { what: 'its lease to end', timeoutMs: 30_000 });
  // What it ran runs elsewhere once nobody can say any more that it still runs there.
  await settled(client, 'web', { count: 2 });
  expect((await instancesOf(client, 'web')).map(({ nodeName }) => nodeName)).toEqual([staying.name, staying.name]);
  const { node } = await client.nodes.getNode({ node: revoked.name });
  expect(node).toMatchObject({ revoked: true });

  await Promise.all(fleet.members.map((member) => member.restart()));
  await Promise.all(fleet.members.map((member) => member.ready()));
  await staying.ready();
  await refusedAgain(revoked);
  await revoked.kill();
  revoked.start();
  await refusedAgain(revoked);
  // The audit log is written a moment later; whoever looks at the fleet then sees who stays out, and why.
  const shown = async () => (await client.fleet.getFleetStatus({})).refused;
  await waitFor(async () => (await shown()).some(({ cause, goesOn }) => cause === 'node-revoked' && goesOn), {
    what: 'the status to tell who was refused',
  });
  // Also with a token that any other machine could join with.
  const { output } = await cellctl.run('audit', 'list');
  expect(output).toMatch(/RevokeNode/);
  expect((await client.nodes.getNode({ node: revoked.name })).node?.revoked).toBe(true);
});
