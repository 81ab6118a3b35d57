import { type CellClient, type Node, NodeStatus } from '@cell/sdk';
import { expect, test } from 'vitest';
import { instancesOf, jobThat, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const COUNT = 6;
const BATCH_COUNT = 3;
const NODE = 'node-1';
const LEASES = '[leases]\nduration = "5s"\nheartbeat = "1s"\nmargin = "1500ms"\n';

async function nodeOf(client: CellClient): Promise<Node> {
  const { node } = await client.nodes.getNode({ node: NODE });
  if (node === undefined) throw new Error('The answer has no node');
  return node;
}

/** Jobs of which something is left on the node. */
async function jobsLeft(client: CellClient): Promise<readonly string[]> {
  const { drain } = await nodeOf(client);
  return [...new Set(drain?.waits.map(({ job }) => job))];
}

const onNode = (witness: Witness, job: string) => witness.living(job).filter(({ node }) => node === NODE);

test('a drain empties a node without a service losing an instance, also when the leader dies in the middle', async () => {
  const fleet = await testFleet({ members: 3, agents: 3 });
  const client = fleet.operators();
  const cellctl = fleet.cellctl();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: `count = ${COUNT}` }));
  await runJob(client, witness.job('sort', { settings: `type = "batch"\ncount = ${BATCH_COUNT}` }));
  await runJob(client, witness.job('exporter', { settings: 'type = "system"' }));
  const before = await settled(client, 'web', { count: COUNT });
  await settled(client, 'sort', { count: BATCH_COUNT });
  await settled(client, 'exporter', { count: 3 });
  const moving = before.filter(({ nodeName }) => nodeName === NODE).length;
  expect(moving).toBe(COUNT / 3);

  // Whatever the control plane believes: how many processes of the service there are.
  let livingMin = COUNT;
  const lookedAnd = <T>(answer: T): T => {
    livingMin = Math.min(livingMin, witness.living('web').length);
    return answer;
  };
  const drain = cellctl.start('node', 'drain', NODE, '--no-deadline', '--yes');
  await waitFor(() => lookedAnd(witness.runs('web').length > COUNT), { what: 'the first replacement', pollMs: 2 });
  const leader = await fleet.leader();
  await leader.kill();
  leader.start();
  await waitFor(async () => lookedAnd((await jobsLeft(client)).join() === 'exporter,sort'), {
    what: 'the service to be gone from the node',
    timeoutMs: 60_000,
  });
  expect(livingMin).toBe(COUNT);
  const after = await settled(client, 'web', { count: COUNT });
  expect(after.filter(({ nodeName }) => nodeName === NODE)).toEqual([]);
  const stayed = before.filter(({ nodeName }) => nodeName !== NODE).map(({ id }) => id);
  expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(stayed));
  expect(witness.runs('web')).toHaveLength(COUNT + moving);

  // The batch instance would run for ever, and the system job waits for it.
  expect([onNode(witness, 'sort').length, onNode(witness, 'exporter').length]).toEqual([1, 1]);
  expect(await nodeOf(client)).toMatchObject({ eligible: false, drain: { remaining: 2 } });
  expect((await cellctl.run('node', 'show', NODE)).output).toContain('sort/');
  const now = await cellctl.run('node', 'drain', NODE, '--now', '--detach', '--yes');
  expect(now).toEqual({
    exitCode: 0,
    output: `Node "${NODE}" is being drained: 2 allocations have to go\n`,
    errors: '',
  });
  expect(await drain.ended()).toEqual({
    exitCode: 0,
    output: `Node "${NODE}" is drained: nothing is left on it\n`,
    errors: '',
  });
  expect([onNode(witness, 'sort'), onNode(witness, 'exporter')]).toEqual([[], []]);
  const stops = (job: string) => witness.runs(job).find(({ node, stoppedMs }) => node === NODE && stoppedMs)?.stoppedMs;
  expect(stops('exporter')).toBeGreaterThanOrEqual(stops('sort')!);
  // That it was stopped is no failure, and its exit code 0 no success.
  await settled(client, 'sort', { count: BATCH_COUNT });
  expect(await jobThat(client, 'sort', () => true, 'there')).toMatchObject({ counts: { failed: 0, complete: 0 } });

  // It stays out, whatever becomes of its agent, until it is given back; and nothing moves back.
  const agent = fleet.agent(1);
  await agent.kill();
  agent.start();
  await agent.ready();
  const started = witness.runs('web').length;
  await runJob(client, witness.job('more', { settings: 'count = 4' }));
  await settled(client, 'more', { count: 4 });
  expect(onNode(witness, 'more')).toEqual([]);
  expect(await cellctl.run('node', 'undrain', NODE)).toMatchObject({
    exitCode: 0,
    output: `Node "${NODE}" takes allocations again\n`,
  });
  await settled(client, 'exporter', { count: 3 });
  expect(await nodeOf(client)).toMatchObject({ status: NodeStatus.READY, eligible: true });
  expect((await nodeOf(client)).drain).toBeUndefined();
  expect(witness.runs('web')).toHaveLength(started);
});

test('a node that is lost while it is drained is replaced, stays out when it is back, and then is given back', async () => {
  const fleet = await testFleet({
    members: 1,
    agents: 2,
    memberSettings: LEASES,
  });
  const client = fleet.operators();
  const cellctl = fleet.cellctl();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('sort', { settings: 'type = "batch"\ncount = 2\non_disconnect = "stop"' }));
  await settled(client, 'sort', { count: 2 });
  const drain = cellctl.start('node', 'drain', NODE, '--yes');
  await waitFor(async () => (await nodeOf(client)).drain !== undefined, { what: 'the drain to begin' });
  const agent = fleet.agent(1);
  await agent.kill();
  expect(await drain.ended()).toMatchObject({ exitCode: 0 });
  await settled(client, 'sort', { count: 2 });
  const instances = await instancesOf(client, 'sort');
  expect(instances.map(({ nodeName }) => nodeName)).toEqual(['node-2', 'node-2']);
  agent.start();
  await waitFor(async () => (await nodeOf(client)).status === NodeStatus.READY, { what: 'the node to be back' });
  expect(await nodeOf(client)).toMatchObject({ eligible: false, drain: { remaining: 0 } });
  await waitFor(() => onNode(witness, 'sort').length === 0, { what: 'the node to stop what it had' });
  expect(await cellctl.run('node', 'eligibility', NODE, 'on')).toMatchObject({
    exitCode: 1,
    errors: expect.stringContaining('cellctl node undrain node-1'),
  });
  expect(await cellctl.run('node', 'undrain', NODE)).toMatchObject({ exitCode: 0 });
  expect((await cellctl.run('node', 'list')).output).toMatch(/node-1 +ready/);
});
