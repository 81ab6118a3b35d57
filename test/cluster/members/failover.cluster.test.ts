import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Fleet } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { patientMembers } from '../harness/patient-members.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Until so many more marks were acknowledged. */
async function written(writer: MarkWriter, more: number): Promise<void> {
  const goal = writer.acknowledged + more;
  await waitFor(() => writer.acknowledged >= goal, { what: `${more} more acknowledged marks` });
}

/** All that was acknowledged is there, as every member sees it. */
async function nothingLost(fleet: Fleet, writer: MarkWriter): Promise<void> {
  await writer.stop();
  expect(writer.acknowledged).toBeGreaterThan(0);
  for (const member of fleet.members) expect(await writer.lost(fleet.operators(member))).toEqual([]);
}

test('a leader that is killed is replaced, loses nothing, and comes back as a follower', async () => {
  const fleet = await testFleet({ members: 3 });
  const writer = new MarkWriter(fleet.operators());
  await written(writer, 20);
  const first = await fleet.leader();
  await first.kill();
  const second = await fleet.leader();
  expect(second.id).not.toBe(first.id);
  await written(writer, 20);
  first.start();
  await first.ready();
  await nothingLost(fleet, writer);
});

test('a follower that is killed disturbs nobody', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('4s') });
  const leader = await fleet.leader();
  const follower = await fleet.follower();
  const writer = new MarkWriter(fleet.operators(leader));
  await written(writer, 20);
  await follower.kill();
  await written(writer, 20);
  expect((await fleet.leader()).id).toBe(leader.id);
  expect([...writer.failures]).toEqual([]);
  follower.start();
  await follower.ready();
  await nothingLost(fleet, writer);
});

test('with two of three gone writes and fresh reads are refused, stale ones served, and all comes back', async () => {
  const fleet = await testFleet({ members: 3 });
  const writer = new MarkWriter(fleet.operators());
  await written(writer, 20);
  await writer.stop();
  const left = await fleet.follower();
  const gone = fleet.members.filter((member) => member !== left);
  await Promise.all(gone.map((member) => member.kill()));
  const client = fleet.operators(left);
  await waitFor(async () => (await left.http('/readyz')).status === 503, {
    what: 'the member to say that it is not ready',
  });
  expect((await left.http('/livez')).status).toBe(200);
  const write = client.drills.writeMark({ drillId: 'refused', sequence: 0n }, { attemptsMax: 1 });
  await expect(write).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  const read = client.nodes.listNodes({}, { attemptsMax: 1 });
  await expect(read).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  expect((await client.nodes.listNodes({ stale: true })).nodes).toEqual([]);
  await fleet.start();
  await client.drills.writeMark({ drillId: 'accepted', sequence: 0n });
  await nothingLost(fleet, writer);
});

test('a leader that stands still is replaced, and gives way when it wakes', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('4s') });
  const first = await fleet.leader();
  const others = fleet.members.filter((member) => member !== first);
  const writer = new MarkWriter(fleet.operators(others[0]));
  await written(writer, 20);
  first.pause();
  const second = await waitFor(
    async () => {
      for (const member of others) if (await member.leads()) return member;
      return undefined;
    },
    { what: 'another leader' },
  );
  await written(writer, 20);
  first.resume();
  expect((await fleet.leader()).id).toBe(second.id);
  await first.ready();
  await nothingLost(fleet, writer);
});

test('a leader acknowledges nothing that it alone has: what it did acknowledge survives it', async () => {
  const fleet = await testFleet({ members: 3 });
  const leader = await fleet.leader();
  const followers = fleet.members.filter((member) => member !== leader);
  const writer = new MarkWriter(fleet.operators(leader), 8);
  await written(writer, 20);
  for (const follower of followers) follower.pause();
  // Less than an election takes: it still leads, and would acknowledge if it didn't wait for a majority.
  await setTimeout(300);
  // The followers too, or they would still read what the leader has sent them.
  await Promise.all(fleet.members.map((member) => member.kill()));
  for (const follower of followers) follower.start();
  await writer.stop();
  const client = fleet.operators(followers[0]);
  await waitFor(() => client.drills.writeMark({ drillId: 'after', sequence: 0n }), { what: 'a write without it' });
  expect(await writer.lost(client)).toEqual([]);
});

test('all members killed at once come back with every acknowledged write, again and again', async () => {
  const fleet = await testFleet({ members: 3 });
  const writer = new MarkWriter(fleet.operators(), 8);
  for (let round = 0; round < 3; round += 1) {
    await written(writer, 50);
    await Promise.all(fleet.members.map((member) => member.kill()));
    await fleet.start();
  }
  await nothingLost(fleet, writer);
});

test('a leader that is told to stop hands over first, and exits with 0', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('4s') });
  const leader = await fleet.leader();
  expect(await leader.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect(leader.output()).toContain('Handed leadership to member');
  expect(leader.errors()).toBe('');
  const others = fleet.members.filter((member) => member !== leader);
  const client = fleet.operators(others[0]);
  // Sooner than any election could begin.
  await client.drills.writeMark({ drillId: 'after', sequence: 0n }, { timeoutMs: 3500 });
});

test('the drill kills the process that leads, and no other', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('4s') });
  const leader = await fleet.leader();
  const follower = await fleet.follower();
  const client = fleet.operators(follower);
  await expect(client.drills.crashLeader({ drillId: 'drill', leaderId: BigInt(follower.id) })).rejects.toMatchObject({
    code: expect.stringMatching(/^CELL_E_/),
  });
  await client.drills.crashLeader({ drillId: 'drill', leaderId: BigInt(leader.id) });
  expect(await leader.ended()).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
  expect((await fleet.leader()).id).not.toBe(leader.id);
  expect(follower.running).toBe(true);
});
