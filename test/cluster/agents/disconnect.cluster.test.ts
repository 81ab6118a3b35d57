import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { NodeStatus } from '@cell/sdk';
import { expect, onTestFinished, test } from 'vitest';
import type { Fleet } from '../harness/fleet.ts';
import { runJob, settled } from '../harness/run-job.ts';
import { socketOwner } from '../harness/socket-owner.ts';
import { TcpRelay } from '../harness/tcp-relay.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

/** Shorter than they are by default, which is waited for again and again here. */
const LEASES = '[leases]\nduration = "6s"\nheartbeat = "1s"\nmargin = "3s"\n';
const LEASE_MS = 6_000;
const REPLACED_MS_MAX = 15_000;
/** For a busy machine to get round to what is due: the signal, and the workload's own last words. The margin. */
const SLACK_MS = 3_000;
/** Where a node must not be lost, by a busy machine either: much longer than it stands still. */
const LONG_LEASES = '[leases]\nduration = "10s"\nheartbeat = "1s"\n';
const LONG_LEASE_MS = 10_000;
const STANDSTILL_MS = 4_000;
const RELAY_HOST = '127.0.0.2';

/** A fleet whose members tell everybody an address that can be cut. */
async function relayedFleet(): Promise<{ fleet: Fleet; cut(node: string): void; mend(node: string): void }> {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: LEASES, start: false });
  const nameOf = (port: number) => {
    const running = fleet.agents.filter((agent) => agent.running);
    const owner = socketOwner(
      port,
      running.map(({ pid }) => pid),
    );
    return running.find(({ pid }) => pid === owner)?.name;
  };
  const relays: TcpRelay[] = [];
  onTestFinished(() => {
    for (const relay of relays) relay.close();
  });
  for (const { grpcAddress } of fleet.members) {
    const [host = '', port] = grpcAddress.split(':');
    relays.push(await TcpRelay.open(RELAY_HOST, { host, port: Number(port) }, nameOf));
    const relayed = `${RELAY_HOST}:${port}`;
    for (const { configFile } of [...fleet.members, ...fleet.agents]) {
      const toml = readFileSync(configFile, 'utf8');
      // Not where a member listens, which comes before the list of members.
      const list = toml.includes('[[members]]') ? toml.indexOf('[[members]]') : 0;
      writeFileSync(configFile, toml.slice(0, list) + toml.slice(list).replaceAll(grpcAddress, relayed));
    }
  }
  await fleet.start();
  return {
    fleet,
    cut: (node) => {
      for (const relay of relays) relay.cut(node);
    },
    mend: (node) => {
      for (const relay of relays) relay.mend(node);
    },
  };
}

const STOP_JOB = 'never-twice';
const KEEP_JOB = 'runs-on';

/** One instance of each of two jobs, both on the same node, whose name it gives. */
async function runBoth(fleet: Fleet, witness: Witness): Promise<string> {
  const client = fleet.operators();
  await runJob(client, witness.job(STOP_JOB, { settings: 'count = 1\non_disconnect = "stop"' }));
  const [first] = await settled(client, STOP_JOB, { count: 1 });
  await runJob(client, witness.job(KEEP_JOB, { settings: 'count = 1\non_disconnect = "keep"' }));
  const [second] = await settled(client, KEEP_JOB, { count: 1 });
  expect(second!.nodeName).toBe(first!.nodeName);
  return first!.nodeName;
}

/** The node is ready, and of each job exactly one instance runs, which is not on the node. */
async function expectMoved(fleet: Fleet, witness: Witness, node: string): Promise<void> {
  const client = fleet.operators();
  await waitFor(async () => (await client.nodes.getNode({ node })).node?.status === NodeStatus.READY, {
    what: `node "${node}" to be ready again`,
    timeoutMs: 20_000,
  });
  for (const job of [STOP_JOB, KEEP_JOB]) {
    await settled(client, job, { count: 1 });
    const left = await waitFor(() => witness.living(job).length === 1 && witness.living(job), {
      what: `one process of job "${job}"`,
      timeoutMs: 20_000,
    });
    expect(left[0]!.node).not.toBe(node);
    expect(witness.runs(job)).toHaveLength(2);
  }
}

test('a node that is cut off stops what must not run twice before it runs elsewhere, and keeps the rest', async () => {
  const { fleet, cut, mend } = await relayedFleet();
  const witness = new Witness(fleet.folder);
  const node = await runBoth(fleet, witness);
  const cutMs = Date.now();
  cut(node);
  await waitFor(() => [STOP_JOB, KEEP_JOB].every((job) => witness.runs(job).length === 2), {
    what: 'both jobs to be started elsewhere',
    timeoutMs: 2 * REPLACED_MS_MAX,
  });
  const [old, replacement] = witness.runs(STOP_JOB);
  expect(replacement!.node).not.toBe(node);
  expect(replacement!.startedMs - cutMs).toBeLessThan(REPLACED_MS_MAX);
  // By the words of the workloads themselves: the old one had ended when the new one was started.
  expect(old!.stoppedMs).toBeGreaterThan(cutMs);
  expect(old!.stoppedMs! - cutMs).toBeLessThanOrEqual(LEASE_MS + SLACK_MS);
  expect(replacement!.startedMs).toBeGreaterThan(old!.stoppedMs!);
  // The other one runs in both places: that is what its job file asks for.
  expect(witness.living(KEEP_JOB).map((run) => run.node)).toEqual([node, replacement!.node]);
  expect(fleet.agent(Number(node.replace('node-', ''))).output()).toContain('lease');
  mend(node);
  await expectMoved(fleet, witness, node);
});

test('a node that stands still is replaced, and when it wakes it stops what runs elsewhere by then', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: LEASES });
  const witness = new Witness(fleet.folder);
  const node = await runBoth(fleet, witness);
  const agent = fleet.agent(Number(node.replace('node-', '')));
  agent.pause();
  const pausedMs = Date.now();
  try {
    await waitFor(() => [STOP_JOB, KEEP_JOB].every((job) => witness.runs(job).length === 2), {
      what: 'both jobs to be started elsewhere',
      timeoutMs: 2 * REPLACED_MS_MAX,
    });
    for (const job of [STOP_JOB, KEEP_JOB]) {
      expect(witness.runs(job)[1]!.startedMs - pausedMs).toBeLessThan(REPLACED_MS_MAX);
    }
  } finally {
    agent.resume();
  }
  await expectMoved(fleet, witness, node);
});

test('a node that stands still for less than its lease is not lost, and nothing on it restarts', async () => {
  const fleet = await testFleet({ members: 3, agents: 1, memberSettings: LONG_LEASES });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job(STOP_JOB, { settings: 'count = 2\non_disconnect = "stop"' }));
  await settled(client, STOP_JOB, { count: 2 });
  const agent = fleet.agent(1);
  agent.pause();
  await setTimeout(STANDSTILL_MS);
  agent.resume();
  const leftMs = async () => 1000 * ((await agent.metric('cell_agent_lease_remaining_seconds')) ?? 0);
  await waitFor(async () => (await leftMs()) > LONG_LEASE_MS - STANDSTILL_MS, {
    what: 'its lease to be renewed',
  });
  // Longer than a node may be silent, counted from the election as well.
  await setTimeout(LONG_LEASE_MS);
  expect(witness.living(STOP_JOB)).toHaveLength(2);
  expect(witness.runs(STOP_JOB)).toHaveLength(2);
  for await (const { event } of client.fleet.streamEvents({})) expect(event?.type).not.toBe('NodeLost');
});

test('without any control plane the lease runs out on its own; what is stopped then comes back with it', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: LEASES });
  const witness = new Witness(fleet.folder);
  await runBoth(fleet, witness);
  const [kept] = witness.living(KEEP_JOB);
  const startMs = Date.now();
  await Promise.all(fleet.members.map((member) => member.kill()));
  const stopped = await waitFor(() => witness.runs(STOP_JOB).find(({ stoppedMs }) => stoppedMs !== undefined), {
    what: 'the job that must not run twice to be stopped',
    timeoutMs: 2 * LEASE_MS,
  });
  expect(stopped.stoppedMs! - startMs).toBeLessThanOrEqual(LEASE_MS + SLACK_MS);
  expect(witness.living(KEEP_JOB)).toEqual([kept]);
  await fleet.start();
  await waitFor(() => witness.living(STOP_JOB).length === 1, {
    what: 'the stopped job to run again',
    timeoutMs: 20_000,
  });
  await settled(fleet.operators(), STOP_JOB, { count: 1 });
  expect(witness.runs(STOP_JOB)).toHaveLength(2);
  expect(witness.living(KEEP_JOB)).toEqual([kept]);
  expect(witness.runs(KEEP_JOB)).toHaveLength(1);
});
