import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CellClient, MemberKind } from '@cell/sdk';
import { expect, test } from 'vitest';
import type { Fleet, Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { patientMembers } from '../harness/patient-members.ts';
import { runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../bin/cell-control-plane');
const CATCH_UP_MS_MAX = 60_000;

interface StoredIdentity {
  readonly clusterId: string;
  readonly formerClusterIds: readonly string[];
}

function identityOf(member: Member): StoredIdentity {
  const text = readFileSync(join(member.dataFolder, 'identity.json'), 'utf8');
  return (JSON.parse(text) as { content: StoredIdentity }).content;
}

/** Marks, of which the survivor has every one that was acknowledged. */
async function marked(fleet: Fleet, survivor: Member): Promise<MarkWriter> {
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged >= 50, { what: 'some marks' });
  await writer.stop();
  const applied = async (member: Member) => (await member.metric('cell_raft_applied_index'))!;
  const leader = await fleet.leader();
  await waitFor(async () => (await applied(survivor)) >= (await applied(leader)), { what: 'the survivor to have all' });
  return writer;
}

/** The other members are killed and their disks are gone; copies of them are kept for later. */
async function loseOthers(fleet: Fleet, survivor: Member): Promise<Member[]> {
  const others = fleet.members.filter((member) => member !== survivor);
  await Promise.all(others.map((member) => member.kill()));
  for (const { dataFolder } of others) {
    cpSync(dataFolder, `${dataFolder}-copy`, { recursive: true });
    rmSync(dataFolder, { recursive: true });
  }
  return others;
}

/** What people see before they confirm; waits until the survivor has given up its leader. */
function planned(client: CellClient, survivor: Member) {
  return waitFor(() => client.controlPlane.recoverQuorum({ survivor: BigInt(survivor.id) }, { attemptsMax: 1 }), {
    what: 'the survivor to be ready for a recovery',
  });
}

async function grow(fleet: Fleet, client: CellClient): Promise<Member> {
  const member = await fleet.prepareMember();
  const id = BigInt(member.id);
  const { grpc, peers, http } = member.ports;
  const at = (port: number) => `127.0.0.1:${port}`;
  await client.controlPlane.addMember({ id, grpcAddress: at(grpc), peerAddress: at(peers), httpAddress: at(http) });
  member.start();
  await member.ready();
  await waitFor(() => client.controlPlane.promoteMember({ id }), {
    what: `member ${id} to catch up`,
    timeoutMs: CATCH_UP_MS_MAX,
  });
  return member;
}

test('with two of three members lost for good the third goes on, and workloads notice nothing', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: patientMembers('2s') });
  const witness = new Witness(fleet.folder);
  await runJob(fleet.operators(), witness.job('web', { settings: 'count = 4' }));
  await settled(fleet.operators(), 'web', { count: 4 });
  const before = witness.living('web');
  const survivor = await fleet.follower();
  const writer = await marked(fleet, survivor);
  const client = fleet.operators(survivor);
  const order = { survivor: BigInt(survivor.id), confirmCluster: 'test' };
  const early = client.controlPlane.recoverQuorum(order, { attemptsMax: 1 });
  await expect(early).rejects.toMatchObject({ code: 'CELL_E_CONFLICT', message: expect.stringContaining('leader') });

  const old = identityOf(survivor).clusterId;
  const others = await loseOthers(fleet, survivor);
  const plan = await planned(client, survivor);
  expect(plan).toMatchObject({ dropped: others.map(({ id }) => BigInt(id)), started: false });
  expect(identityOf(survivor).clusterId).toBe(old);
  const wrong = client.controlPlane.recoverQuorum({ ...order, confirmCluster: 'other' }, { attemptsMax: 1 });
  await expect(wrong).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
  const { clusterId, started } = await client.controlPlane.recoverQuorum(order, { attemptsMax: 1 });
  expect([clusterId, started]).toEqual([plan.clusterId, true]);

  await waitFor(async () => (await client.fleet.getFleetStatus({})).nodesReady === 2, {
    what: 'the agents to follow',
    timeoutMs: CATCH_UP_MS_MAX,
  });
  expect(identityOf(survivor)).toMatchObject({ clusterId, formerClusterIds: [old] });
  expect(existsSync(join(survivor.dataFolder, `raft.${old}`))).toBe(true);
  expect(await writer.lost(client)).toEqual([]);
  await settled(client, 'web', { count: 4 });
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(4);
  await runJob(client, witness.job('more', { settings: 'count = 2' }));
  await settled(client, 'more', { count: 2 });
  expect(survivor.output()).toContain('Recovering the cluster with member');

  // The lost members come back with their disks after all, as a majority of the cluster that was.
  for (const { dataFolder } of others) cpSync(`${dataFolder}-copy`, dataFolder, { recursive: true });
  for (const member of others) member.start();
  for (const member of others) {
    expect(await member.ended()).toMatchObject({ exitCode: 1 });
    expect(member.errors()).toMatch(/CELL_E_REMOVED: .*goes on without it/);
    member.start();
    expect(await member.ended()).toMatchObject({ exitCode: 1 });
  }

  await grow(fleet, client);
  const fifth = await grow(fleet, client);
  const { members } = await fleet.operators(fifth).controlPlane.getControlPlaneStatus({});
  expect(members.map(({ id, kind }) => [Number(id), kind])).toEqual(
    [survivor.id, 4, 5].map((id) => [id, MemberKind.VOTER]),
  );
  await survivor.kill();
  await waitFor(async () => (await writer.lost(fleet.operators(fifth))).length === 0, { what: 'all marks' });
  expect(witness.living('web')).toEqual(before);
});

test('a stopped member is recovered by its own program, and by none while it runs', async () => {
  const fleet = await testFleet({ members: 3 });
  const survivor = await fleet.follower();
  const writer = await marked(fleet, survivor);
  await loseOthers(fleet, survivor);
  const command = ['recover', '--config', survivor.configFile];
  expect(await run(...command, '--confirm', 'test')).toMatchObject({
    errors: expect.stringMatching(/^CELL_E_DIRECTORY_IN_USE/),
  });
  await survivor.kill();
  expect(await run(...command)).toMatchObject({ exitCode: 1, errors: expect.stringContaining('--confirm test') });
  const { exitCode, output } = await run(...command, '--confirm', 'test');
  expect([exitCode, output]).toEqual([0, expect.stringContaining(`Member ${survivor.id} is the only one now`)]);
  survivor.start();
  await survivor.ready();
  expect(await writer.lost(fleet.operators(survivor))).toEqual([]);
});

function run(...words: string[]): Promise<{ exitCode: number; output: string; errors: string }> {
  return new Promise((done) => {
    execFile(PROGRAM, words, (error, output, errors) => {
      done({ exitCode: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}
