import type { CellClient } from '@cell/sdk';
import { expect, onTestFinished, test } from 'vitest';
import type { Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { runJob } from '../harness/run-job.ts';
import { SmallDisk } from '../harness/small-disk.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Room for four of the log's segments, of 16 MiB each; it begins with two. */
const SIZE = '72m';

const NO_MOUNT = 'Mounting a small file system takes root';

/** A job as large as may be, 128 of which fill what the log has reserved. */
const JOB_BYTES = 250 * 1024;
const VALUE_BYTES = 25 * 1024;
const LARGE_JOBS = 160;

function largeJob(number: number): string {
  const lines = Array.from(
    { length: JOB_BYTES / VALUE_BYTES },
    (_, place) => `V${place} = "${'x'.repeat(VALUE_BYTES - 20)}"`,
  );
  return `name = "large"\ntype = "service"\ncommand = ["/usr/bin/sleep", "${number}"]\n\n[environment]\n${lines.join('\n')}\n`;
}

async function onSmallDisk(member: Member): Promise<SmallDisk | undefined> {
  const disk = SmallDisk.mount(member.dataFolder, SIZE);
  if (disk === undefined) return undefined;
  // Before the fleet's folder is removed, which a mounted one would prevent.
  onTestFinished(() => disk.unmount());
  return disk;
}

async function fullness(member: Member): Promise<number | undefined> {
  return member.metric('cell_raft_disk_full');
}

async function more(writer: MarkWriter, count: number): Promise<void> {
  const goal = writer.acknowledged + count;
  await waitFor(() => writer.acknowledged >= goal, { what: `${count} more marks`, timeoutMs: 30_000 });
}

async function refusal(client: CellClient): Promise<unknown> {
  const refused = client.drills.writeMark({ drillId: 'refused', sequence: 1n }).catch((error: unknown) => error);
  return refused;
}

test('a leader whose disk is full hands over, serves reads, and comes back by itself with everything', async (context) => {
  const fleet = await testFleet({ members: 3, start: false });
  const [small, ...others] = fleet.members as [Member, Member, Member];
  const disk = await onSmallDisk(small);
  if (disk === undefined) return context.skip(NO_MOUNT);
  await fleet.start();
  await fleet.operators().controlPlane.transferLeadership({ to: BigInt(small.id) });
  const { pid } = small;
  const writer = new MarkWriter(fleet.operators());
  await more(writer, 50);
  disk.fill();
  await waitFor(async () => (await fleet.leader()) !== small, { what: 'another leader' });
  await more(writer, 50);
  await waitFor(async () => (await fullness(small)) === 1, { what: 'its disk to be told as full' });
  expect(await small.http('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('Disk is full') });
  expect(await refusal(fleet.operators(small))).toMatchObject({ code: 'CELL_E_DISK_FULL' });

  // Until what it had reserved is used up: from then on it holds in memory what others write.
  const operators = fleet.operators();
  let taken = 0;
  for (let number = 0; number < LARGE_JOBS; number += 1) {
    // On a busy machine there may be an election meanwhile, of which one call or another becomes a victim.
    await runJob(operators, largeJob(number)).then(
      () => (taken += 1),
      () => undefined,
    );
  }
  expect(taken).toBeGreaterThan(LARGE_JOBS - 20);
  await more(writer, 50);
  const leader = await fleet.leader();
  expect(await small.metric('cell_raft_last_index')).toBeLessThan((await leader.metric('cell_raft_last_index'))!);
  expect(await writer.lost(fleet.operators(small))).toEqual([]);

  disk.empty();
  await small.ready();
  expect(await fullness(small)).toBe(0);
  expect(small.pid).toBe(pid);
  // Without one of the others, nothing is written but with its help.
  const spare = others.find((member) => member !== leader)!;
  await spare.kill();
  await more(writer, 50);
  await writer.stop();
  expect(await writer.lost(fleet.operators(small))).toEqual([]);
  await small.kill();
  small.start();
  await small.ready();
  expect(await writer.lost(fleet.operators(small))).toEqual([]);
}, 240_000);

test('a lone member whose disk is full refuses changes, serves reads, and goes on when there is room', async (context) => {
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  const disk = await onSmallDisk(member);
  if (disk === undefined) return context.skip(NO_MOUNT);
  await fleet.start();
  const writer = new MarkWriter(fleet.operators());
  await more(writer, 50);
  disk.fill();
  await waitFor(async () => (await fullness(member)) === 1, { what: 'the disk to be full' });
  const before = writer.acknowledged;
  expect(await refusal(fleet.operators())).toMatchObject({ code: 'CELL_E_DISK_FULL' });
  const cellctl = fleet.cellctl();
  expect(await cellctl.runWith('x', 'secret', 'set', 'refused')).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/^CELL_E_DISK_FULL: /),
  });
  expect(await writer.lost(fleet.operators())).toEqual([]);
  disk.empty();
  await member.ready();
  // What was refused is written down once there is room.
  await waitFor(async () => (await cellctl.run('audit', 'list', '-o', 'json')).output.includes('CELL_E_DISK_FULL'), {
    what: 'the refused call to be in the audit log',
  });
  expect(await cellctl.run('audit', 'verify')).toMatchObject({ exitCode: 0 });
  await more(writer, 50);
  await writer.stop();
  expect(writer.acknowledged).toBeGreaterThan(before);
  expect(await writer.lost(fleet.operators())).toEqual([]);
  expect(member.errors()).toBe('');
});
