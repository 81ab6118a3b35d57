import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fleet, Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

/** More than a follower may lag behind before it takes a snapshot: one is made every 10,000 entries, 5,000 are kept. */
const MARKS = 16_000;

async function write(fleet: Fleet, leader: Member): Promise<MarkWriter> {
  const writer = new MarkWriter(fleet.operators(leader), 128);
  await waitFor(() => writer.acknowledged >= MARKS, { what: `${MARKS} marks`, timeoutMs: 60_000 });
  await writer.stop();
  // It is made beside all else.
  await waitFor(async () => ((await leader.metric('cell_raft_snapshot_index')) ?? 0) > 0, { what: 'a snapshot' });
  return writer;
}

test('a member that was away for long takes a snapshot, and then has everything', async () => {
  const fleet = await testFleet({ members: 3 });
  const leader = await fleet.leader();
  const late = await fleet.follower();
  await late.kill();
  const writer = await write(fleet, leader);
  late.start();
  await late.ready();
  await waitFor(() => late.output().includes('Receiving the snapshot'), { what: 'a snapshot to be sent' });
  expect(await writer.lost(fleet.operators(late))).toEqual([]);
  expect(await late.metric('cell_raft_snapshot_index')).toBeGreaterThan(0);
  await late.kill();
  late.start();
  await late.ready();
  expect(await writer.lost(fleet.operators(late))).toEqual([]);
});

test('a snapshot that was damaged is never served: the member stops and names the file', async () => {
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  const writer = await write(fleet, member);
  await member.stop();
  const folder = join(member.dataFolder, 'raft');
  const snapshots = readdirSync(folder).filter((name) => name.endsWith('.snap'));
  expect(snapshots.length).toBeGreaterThan(0);
  const intact = snapshots.map((name) => readFileSync(join(folder, name)));
  for (const [place, name] of snapshots.entries()) {
    const damaged = Buffer.from(intact[place]!);
    damaged[Math.floor(damaged.length / 2)]! ^= 1;
    writeFileSync(join(folder, name), damaged);
  }
  member.start();
  expect(await member.ended()).toEqual({ exitCode: 1, signal: undefined });
  expect(member.errors()).toMatch(/^CELL_E_SNAPSHOT_DAMAGED: .*snapshot-.*\.snap.*\n$/);
  for (const [place, name] of snapshots.entries()) writeFileSync(join(folder, name), intact[place]!);
  member.start();
  await member.ready();
  expect(await writer.lost(fleet.operators())).toEqual([]);
});
