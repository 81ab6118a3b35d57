import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AllocationState, type CellClient } from '@cell/sdk';
import { expect, test } from 'vitest';
import { MarkWriter } from '../harness/mark-writer.ts';
import { instancesOf, jobThat, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

/** The numbers that the job below has printed, as the fleet gives its output. */
async function printed(client: CellClient, allocationId: string): Promise<number[]> {
  const pieces: Uint8Array[] = [];
  for await (const { data } of client.allocations.streamLogs({ allocationId })) pieces.push(data);
  return Buffer.concat(pieces).toString('utf8').trim().split('\n').map(Number);
}

const COUNTER = `name = "counter"
command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"]
`;

test('an agent that was killed adopts what it left: nothing restarts, and no line of output is lost', async () => {
  const fleet = await testFleet({ members: 1, agents: 1 });
  const client = fleet.operators();
  await runJob(client, COUNTER);
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web'));
  const [counter] = await settled(client, 'counter', { count: 1 });
  await settled(client, 'web', { count: 3 });
  const before = witness.living('web');
  const agent = fleet.agent(1);
  for (let round = 0; round < 3; round += 1) {
    const sofar = Math.max(...(await printed(client, counter!.id)));
    await agent.kill();
    agent.start();
    await agent.ready();
    await waitFor(async () => Math.max(...(await printed(client, counter!.id))) > sofar + 20, { what: 'more output' });
  }
  const numbers = await printed(client, counter!.id);
  expect(numbers).toEqual(numbers.map((_, place) => place + 1));
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(3);
  for (const job of ['counter', 'web']) {
    for (const instance of await instancesOf(client, job)) {
      expect(instance).toMatchObject({ state: AllocationState.HEALTHY, restarts: 0 });
    }
  }
  expect(await agent.metric('cell_agent_restarts_total')).toBe(0);
});

test('an agent that is told to stop exits with 0 and leaves alone what runs', async () => {
  const fleet = await testFleet({ members: 1, agents: 1 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: 'count = 2\non_disconnect = "stop"' }));
  await settled(client, 'web', { count: 2 });
  const before = witness.living('web');
  const agent = fleet.agent(1);
  expect(await agent.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect(agent.errors()).toBe('');
  expect(witness.living('web')).toEqual(before);
  agent.start();
  await agent.ready();
  await settled(client, 'web', { count: 2 });
  expect(witness.living('web')).toEqual(before);
});

test('what ends while its agent is gone is told once it is back', async () => {
  const fleet = await testFleet({ members: 1, agents: 1 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('dies', { settings: 'count = 1' }));
  // It ends once it is told to, by one file, and says so by another.
  const [told, over] = [join(fleet.folder, 'told'), join(fleet.folder, 'over')];
  const script = `until [ -e ${told} ]; do sleep 0.1; done; echo >${over}`;
  await runJob(client, `name = "ends"\ntype = "batch"\ncommand = ["sh", "-c", "${script}"]\n`);
  await settled(client, 'dies', { count: 1 });
  await settled(client, 'ends', { count: 1 });
  const agent = fleet.agent(1);
  await agent.kill();
  process.kill(witness.living('dies')[0]!.pid, 'SIGKILL');
  writeFileSync(told, '');
  await waitFor(() => witness.living('dies').length === 0 && existsSync(over), { what: 'the workloads to end' });
  agent.start();
  await agent.ready();
  // What the fleet knew before was healthy, too.
  const again = await waitFor(
    async () =>
      (await client.jobs.getJob({ name: 'dies' })).allocations.find(
        ({ state, restarts }) => restarts > 0 && state === AllocationState.HEALTHY,
      ),
    { what: 'the killed workload to run again' },
  );
  expect(again).toMatchObject({ restarts: 1, exitCode: 137 });
  expect(witness.runs('dies')).toHaveLength(2);
  await jobThat(client, 'ends', ({ counts }) => counts?.complete === 1, 'complete');
  expect((await client.jobs.getJob({ name: 'ends' })).allocations).toMatchObject([{ exitCode: 0, restarts: 0 }]);
});

test('an agent that starts without a control plane adopts what runs, and says what it misses', async () => {
  const fleet = await testFleet({ members: 3, agents: 1 });
  const witness = new Witness(fleet.folder);
  await runJob(fleet.operators(), witness.job('web'));
  await settled(fleet.operators(), 'web', { count: 3 });
  const before = witness.living('web');
  const agent = fleet.agent(1);
  await Promise.all([...fleet.members, agent].map((daemon) => daemon.kill()));
  agent.start();
  await waitFor(async () => (await agent.metric('cell_agent_allocations{state="healthy"}')) === 3, {
    what: 'the agent to see what runs',
  });
  expect((await agent.http('/livez')).status).toBe(200);
  expect(await agent.http('/readyz')).toMatchObject({
    status: 503,
    body: expect.stringMatching(/^The agent has no session with the control plane\. .+/),
  });
  expect(witness.living('web')).toEqual(before);
  await fleet.start();
  await settled(fleet.operators(), 'web', { count: 3 });
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(3);
});

const ROUNDS = 5;
const MOMENT_MS_MAX = 400;

test('all daemons killed at once, at random moments of writing, leave all writes and all workloads as they are', async () => {
  const fleet = await testFleet({ members: 3, agents: 2 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: 'count = 4' }));
  await settled(client, 'web', { count: 4 });
  const before = witness.living('web');
  const writer = new MarkWriter(client, 8);
  for (let round = 0; round < ROUNDS; round += 1) {
    const goal = writer.acknowledged + 1;
    await waitFor(() => writer.acknowledged >= goal, { what: 'another acknowledged mark', timeoutMs: 20_000 });
    await setTimeout(Math.random() * MOMENT_MS_MAX);
    await Promise.all([...fleet.members, ...fleet.agents].map((daemon) => daemon.kill()));
    await fleet.start();
  }
  await writer.stop();
  for (const member of fleet.members) expect(await writer.lost(fleet.operators(member))).toEqual([]);
  await settled(client, 'web', { count: 4 });
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(4);
  for await (const { event } of client.fleet.streamEvents({})) expect(event?.type).not.toBe('NodeLost');
});

test('paused and killed members are nothing to workloads', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: '[leases]\nduration = "20s"\n' });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: 'count = 4\non_disconnect = "stop"' }));
  await settled(client, 'web', { count: 4 });
  const before = witness.living('web');
  const writer = new MarkWriter(client);
  const follower = await fleet.follower();
  follower.pause();
  await fleet.leader().then((leader) => leader.kill());
  // One of three is left: nothing can be written, and no lease can be renewed, for far less than agents bear that.
  await setTimeout(3000);
  follower.resume();
  await fleet.start();
  const goal = writer.acknowledged + 20;
  await waitFor(() => writer.acknowledged >= goal, { what: 'more acknowledged marks', timeoutMs: 20_000 });
  await writer.stop();
  expect(await writer.lost()).toEqual([]);
  await settled(client, 'web', { count: 4 });
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(4);
});
