import { AllocationState, type Job, JobStatus } from '@cell/sdk';
import { expect, test } from 'vitest';
import { hasEnded, instancesOf, jobThat, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const JOB = 'web';
const COUNT = 4;

/** Healthy only some time after its start, as real services are. */
function slowlyHealthy(witness: Witness, version: string): string {
  const health = `
[health]
type = "exec"
command = ["sh", "-c", "[ $(( $(date +%s%3N) - $(stat -c %Y000 .) )) -ge 1500 ]"]
interval = "200ms"
healthy_threshold = 2
grace = "30s"
`;
  return witness.job(JOB, { settings: `count = ${COUNT}`, tables: `${health}\n[stop]\ntimeout = "${version}"\n` });
}

test('a rollout replaces one instance after the other, and never has more than one away', async () => {
  const fleet = await testFleet({ members: 3, agents: 2 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, slowlyHealthy(witness, '5s'));
  await settled(client, JOB, { count: COUNT });
  const old = witness.living(JOB);
  const version = await runJob(client, slowlyHealthy(witness, '6s'));
  let [healthyMin, livingMin, livingMax] = [COUNT, COUNT, COUNT];
  for (let done = false; !done; ) {
    const living = witness.living(JOB).length;
    livingMin = Math.min(livingMin, living);
    livingMax = Math.max(livingMax, living);
    const { allocations } = await client.jobs.getJob({ name: JOB });
    const healthy = allocations.filter(({ state }) => state === AllocationState.HEALTHY);
    healthyMin = Math.min(healthyMin, healthy.length);
    done = healthy.filter(({ jobVersion }) => jobVersion === version).length === COUNT;
  }
  expect({ healthyMin, livingMin, livingMax }).toEqual({
    healthyMin: COUNT - 1,
    livingMin: COUNT - 1,
    livingMax: COUNT,
  });
  const renewed = witness.living(JOB);
  expect(renewed).toHaveLength(COUNT);
  expect(renewed.filter(({ pid }) => old.some((run) => run.pid === pid))).toEqual([]);
  expect(witness.runs(JOB)).toHaveLength(2 * COUNT);
});

test('a version that fails stops its rollout, says why, and leaves the others running; a better one goes on', async () => {
  const fleet = await testFleet({ members: 1, agents: 2 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job(JOB, { settings: `count = ${COUNT}` }));
  await settled(client, JOB, { count: COUNT });
  const good = witness.job(JOB, { settings: `count = ${COUNT}`, tables: '[restart]\nattempts = 0\n' });
  // It runs for long enough to be seen running: that must not look like success.
  const bad = good.replace(/command = .*/, 'command = ["sh", "-c", "sleep 0.5; exit 7"]');
  await runJob(client, bad);
  const job = await jobThat(client, JOB, ({ unplaced }) => (unplaced?.reasons.length ?? 0) >= 2, 'given up');
  expect(job.status).toBe(JobStatus.DEGRADED);
  expect(job.unplaced?.reasons.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^instance \d failed 5 times in a row in version 2, the last time: Ended with exit code 7/),
    'the rollout of version 2 stopped; 3 instances run on in an older version',
  ]);
  expect(job.unplaced?.hint).toMatch(/^read "cellctl allocation logs [0-9A-Z]{26}", then run the corrected job$/);
  expect(witness.living(JOB)).toHaveLength(COUNT - 1);
  const { problems } = await client.fleet.getFleetStatus({});
  expect(problems.map(({ message }) => message).join('\n')).toContain(`Job "${JOB}": 1 instance is not placed`);
  const version = await runJob(client, good);
  await settled(client, JOB, { count: COUNT, version });
  expect(witness.living(JOB)).toHaveLength(COUNT);
});

test('more and fewer instances leave the others alone, and a stopped job has none', async () => {
  const fleet = await testFleet({ members: 1, agents: 2 });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  const run = async (count: number) => {
    await runJob(client, witness.job(JOB, { settings: `count = ${count}` }));
    await settled(client, JOB, { count });
    return witness.living(JOB);
  };
  const two = await run(2);
  const five = await run(5);
  expect(five).toEqual(expect.arrayContaining(two));
  expect(five).toHaveLength(5);
  const one = await run(1);
  expect(one).toHaveLength(1);
  expect(two).toContainEqual(one[0]);
  expect((await client.jobs.stopJob({ name: JOB })).stopping).toBe(1);
  await jobThat(client, JOB, ({ counts }) => counts?.running === 0 && witness.living(JOB).length === 0, 'stopped');
  expect(await instancesOf(client, JOB)).toEqual([]);
  const allEnded = async () => (await client.jobs.getJob({ name: JOB })).allocations.every(hasEnded);
  // The agent's last word may come after that of the workload itself.
  await waitFor(allEnded, { what: 'all instances to have ended' });
  expect((await client.jobs.getJob({ name: JOB })).job?.status).toBe(JobStatus.STOPPED);
  expect(witness.runs(JOB)).toHaveLength(5);
  // Each was asked, and none had to be killed.
  expect(witness.runs(JOB).filter(({ stoppedMs }) => stoppedMs === undefined)).toEqual([]);
});

test('a batch job runs each instance to its end, once, and says how it ended', async () => {
  const fleet = await testFleet({ members: 1, agents: 2 });
  const client = fleet.operators();
  const batch = (name: string, script: string) => `name = "${name}"
type = "batch"
count = 3
command = ["sh", "-c", ${JSON.stringify(script)}]
[restart]
mode = "never"
`;
  await runJob(client, batch('works', 'echo "$CELL_INSTANCE of $CELL_JOB"'));
  await runJob(client, batch('fails', '[ $CELL_INSTANCE != 1 ]'));
  const works = await jobThat(client, 'works', ({ status }) => status === JobStatus.COMPLETE, 'complete');
  expect(works.counts).toMatchObject({ desired: 3, complete: 3, failed: 0 });
  const { allocations } = await client.jobs.getJob({ name: 'works' });
  expect(allocations).toHaveLength(3);
  for (const { id, instance, exitCode, restarts } of allocations) {
    expect({ exitCode, restarts }).toEqual({ exitCode: 0, restarts: 0 });
    let output = '';
    for await (const { data } of client.allocations.streamLogs({ allocationId: id })) output += Buffer.from(data);
    expect(output).toBe(`${instance} of works\n`);
  }
  // The last word of its agent says that it failed; what becomes of it is planned after that.
  const hasFailed = ({ status, unplaced }: Job) => status === JobStatus.FAILED && unplaced !== undefined;
  const fails = await jobThat(client, 'fails', hasFailed, 'failed');
  expect(fails.counts).toMatchObject({ complete: 2, failed: 1 });
  expect(fails.unplaced?.reasons[0]?.reason).toContain('Ended with exit code 1');
});
