import { type CellClient, MemberKind } from '@cell/sdk';
import { expect, test } from 'vitest';
import type { Fleet, Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { patientMembers } from '../harness/patient-members.ts';
import { instancesOf, runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const CATCH_UP_MS_MAX = 60_000;
/** Longer than an election of these members: then one is held to be out of reach. */
const MISSED_MS = 2_500;

const sleeping = (count: number) => `name = "sleeping"
type = "service"
count = ${count}
command = ["sleep", "3600"]

[resources]
cpu = 0.1
memory = "16MiB"
`;

/** Until so many more marks were acknowledged. */
async function written(writer: MarkWriter, more: number): Promise<void> {
  const goal = writer.acknowledged + more;
  await waitFor(() => writer.acknowledged >= goal, { what: `${more} more acknowledged marks` });
}

function addressesOf({ ports }: Member) {
  const at = (port: number) => `127.0.0.1:${port}`;
  return { grpcAddress: at(ports.grpc), peerAddress: at(ports.peers), httpAddress: at(ports.http) };
}

/** Adds one more member and gives it its vote, as a person would. */
async function grow(fleet: Fleet, client: CellClient): Promise<Member> {
  const member = await fleet.prepareMember();
  const id = BigInt(member.id);
  const added = await client.controlPlane.addMember({ id, ...addressesOf(member) });
  expect(added.members.find((each) => each.id === id)).toMatchObject({ kind: MemberKind.LEARNER, reachable: false });
  await expect(client.controlPlane.promoteMember({ id }, { attemptsMax: 1 })).rejects.toMatchObject({
    code: 'CELL_E_NOT_CAUGHT_UP',
  });
  member.start();
  await member.ready();
  const promoted = await waitFor(() => client.controlPlane.promoteMember({ id }), {
    what: `member ${id} to catch up and be promoted`,
    timeoutMs: CATCH_UP_MS_MAX,
  });
  expect(promoted.members.find((each) => each.id === id)).toMatchObject({ kind: MemberKind.VOTER, reachable: true });
  return member;
}

async function votersOf(client: CellClient): Promise<number[]> {
  const { members } = await client.controlPlane.getControlPlaneStatus({});
  return members.filter(({ kind }) => kind === MemberKind.VOTER).map(({ id }) => Number(id));
}

/** It has ended by itself, and said why. */
async function endedAsRemoved(member: Member): Promise<void> {
  expect((await member.ended()).exitCode).toBeGreaterThan(0);
  expect(member.errors()).toContain('CELL_E_REMOVED');
}

test('a control plane grows to five members and shrinks to three others, and nothing that it acknowledged is lost', async () => {
  const fleet = await testFleet({ members: 3, agents: 2, memberSettings: patientMembers('2s') });
  const client = fleet.operators();
  await runJob(client, sleeping(2));
  const before = await settled(client, 'sleeping', { count: 2 });
  const writer = new MarkWriter(client);
  await written(writer, 20);

  const fourth = await grow(fleet, client);
  const fifth = await grow(fleet, client);
  expect(await votersOf(client)).toEqual([1, 2, 3, 4, 5]);
  await written(writer, 20);
  const all = fleet.operators(fifth);

  const leader = await fleet.leader();
  const removed = await all.controlPlane.removeMember({ id: BigInt(leader.id) });
  expect(removed.members.map(({ id }) => Number(id))).not.toContain(leader.id);
  await endedAsRemoved(leader);
  await written(writer, 20);

  const dead = fleet.members.find((member) => member !== leader && member !== fifth && member !== fourth)!;
  await dead.kill();
  await waitFor(() => all.controlPlane.removeMember({ id: BigInt(dead.id) }), {
    what: 'the dead member to be removed',
  });
  const staying = fleet.members.filter((member) => member !== leader && member !== dead);
  expect(await votersOf(all)).toEqual(staying.map(({ id }) => id));
  await written(writer, 20);

  leader.start();
  await endedAsRemoved(leader);
  dead.start();
  await endedAsRemoved(dead);
  const again = all.controlPlane.addMember({ id: BigInt(dead.id), ...addressesOf(dead) }, { attemptsMax: 1 });
  await expect(again).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });

  await writer.stop();
  for (const member of staying) expect(await writer.lost(fleet.operators(member))).toEqual([]);
  expect((await instancesOf(all, 'sleeping')).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  const { events } = await eventsOf(all);
  expect(events.filter((type) => type.startsWith('Member'))).toEqual([
    'MemberInvited',
    'MemberAdmitted',
    'MemberPromoted',
    'MemberInvited',
    'MemberAdmitted',
    'MemberPromoted',
    'MemberRemoved',
    'MemberRemoved',
  ]);
});

test('a member that the others need is not removed without force, and neither is the last one that votes', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('2s') });
  const leader = await fleet.leader();
  const [dead, needed] = fleet.members.filter((member) => member !== leader) as [Member, Member];
  const client = fleet.operators(leader);
  await dead.kill();
  await waitFor(async () => Number((await statusOf(client, dead)).lastContactMs ?? 0) > MISSED_MS, {
    what: 'the leader to miss it',
  });
  const refused = client.controlPlane.removeMember({ id: BigInt(needed.id) }, { attemptsMax: 1 });
  await expect(refused).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
    message: expect.stringContaining(`member ${dead.id} cannot be`),
  });
  expect(await statusOf(client, dead)).toMatchObject({ kind: MemberKind.VOTER, reachable: false });
  const level = { replication: 'replicate', lagEntries: 0n, diskFull: false };
  await expect.poll(() => statusOf(client, needed), { timeout: CATCH_UP_MS_MAX }).toMatchObject(level);
  await client.controlPlane.removeMember({ id: BigInt(dead.id) });
  await client.controlPlane.removeMember({ id: BigInt(needed.id) });
  const last = client.controlPlane.removeMember({ id: BigInt(leader.id), force: true }, { attemptsMax: 1 });
  await expect(last).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  await client.drills.writeMark({ drillId: 'alone', sequence: 0n });
});

async function statusOf(client: CellClient, member: Member) {
  const { members } = await client.controlPlane.getControlPlaneStatus({});
  const status = members.find(({ id }) => id === BigInt(member.id));
  if (status === undefined) throw new Error(`Member ${member.id} is not in the status`);
  return status;
}

async function eventsOf(client: CellClient): Promise<{ events: string[] }> {
  const events: string[] = [];
  for await (const { event } of client.fleet.streamEvents({})) events.push(event?.type ?? '');
  return { events };
}
