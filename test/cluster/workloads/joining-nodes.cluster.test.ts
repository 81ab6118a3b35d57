import { AllocationState, JobStatus } from '@cell/sdk';
import { expect, test } from 'vitest';
import { instancesOf, jobThat, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { Witness } from '../harness/witness.ts';

test('a system job has one instance on each node, also on one that joins later', async () => {
  const fleet = await testFleet({ members: 1, agents: 3, start: false });
  const [first, second, late] = fleet.agents;
  for (const daemon of [fleet.member(1), first!, second!]) daemon.start();
  await Promise.all([fleet.member(1), first!, second!].map((daemon) => daemon.ready()));
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('everywhere', { settings: 'type = "system"' }));
  const two = await settled(client, 'everywhere', { count: 2 });
  expect(two.map(({ nodeName }) => nodeName).sort()).toEqual(['node-1', 'node-2']);
  late!.start();
  const three = await settled(client, 'everywhere', { count: 3 });
  expect(three.map(({ nodeName }) => nodeName).sort()).toEqual(['node-1', 'node-2', 'node-3']);
  expect(witness.runs('everywhere')).toHaveLength(3);
});

test('an instance that finds no node says why, and is placed once a node joins that fits', async () => {
  const fleet = await testFleet({ members: 1, agents: 2, start: false });
  const [first, late] = fleet.agents;
  for (const daemon of [fleet.member(1), first!]) daemon.start();
  await Promise.all([fleet.member(1), first!].map((daemon) => daemon.ready()));
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  const tables = '[[ports]]\nname = "http"\nport = 30999\n';
  await runJob(client, witness.job('fixed', { settings: 'count = 2', tables }));
  const { unplaced, status } = await jobThat(client, 'fixed', (job) => job.unplaced?.count === 1, 'not all placed');
  expect(status).toBe(JobStatus.DEGRADED);
  expect(unplaced?.reasons).toMatchObject([{ reason: expect.stringContaining('30999'), nodes: 1 }]);
  late!.start();
  await settled(client, 'fixed', { count: 2 });
  const instances = await instancesOf(client, 'fixed');
  expect(instances.map(({ nodeName }) => nodeName).sort()).toEqual(['node-1', 'node-2']);
  expect(instances.every(({ state }) => state === AllocationState.HEALTHY)).toBe(true);
});
