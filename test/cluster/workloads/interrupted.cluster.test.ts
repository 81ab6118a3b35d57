import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Fleet } from '../harness/fleet.ts';
import { runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const JOB = 'web';
const COUNT = 24;
const MOMENT_MS_MAX = 150;

/** Each instance runs, and each allocation was started once only. */
async function expectEachOnce(fleet: Fleet, witness: Witness): Promise<void> {
  const allocations = await settled(fleet.operators(), JOB, { count: COUNT });
  expect(allocations.map(({ instance }) => instance)).toEqual(Array.from({ length: COUNT }, (_, place) => place));
  const runs = witness.runs(JOB);
  expect(runs.map(({ allocation }) => allocation).sort()).toEqual(allocations.map(({ id }) => id).sort());
  expect(witness.living(JOB)).toHaveLength(COUNT);
}

test('a leader that dies while it places leaves no instance out, and none twice', async () => {
  const fleet = await testFleet({ members: 3, agents: 2 });
  const witness = new Witness(fleet.folder);
  const leader = await fleet.leader();
  const job = witness.job(JOB, { settings: `count = ${COUNT}` });
  // Who was cut off in the middle doesn't know what became of it, and submits it again: that must change nothing.
  const submitted = waitFor(() => runJob(fleet.operators(), job), { what: 'the job to be accepted' });
  await setTimeout(Math.random() * MOMENT_MS_MAX);
  await leader.kill();
  expect(await submitted).toBe(1n);
  await expectEachOnce(fleet, witness);
});

test('an agent that is killed while it starts workloads starts each of them once', async () => {
  const fleet = await testFleet({ members: 1, agents: 1 });
  const witness = new Witness(fleet.folder);
  await runJob(fleet.operators(), witness.job(JOB, { settings: `count = ${COUNT}` }));
  const agent = fleet.agent(1);
  for (const goal of [1, COUNT / 3, (2 * COUNT) / 3]) {
    await waitFor(() => witness.runs(JOB).length >= goal, { what: `${goal} starts`, timeoutMs: 30_000, pollMs: 2 });
    await agent.kill();
    agent.start();
  }
  await agent.ready();
  await expectEachOnce(fleet, witness);
});
