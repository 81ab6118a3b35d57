import { expect, test } from 'vitest';
import { MarkWriter } from '../harness/mark-writer.ts';
import { SmallDisk } from '../harness/small-disk.ts';
import { testFleet } from '../harness/test-fleet.ts';

/** Room for the log's first segments, of 16 MiB each. */
const SIZE = '48m';

test('a member whose disk is full stops and says so; with room again it has every acknowledged write', async (context) => {
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  const disk = SmallDisk.mount(member.dataFolder, SIZE);
  if (disk === undefined) return context.skip('Mounting a small file system takes root');
  try {
    member.start();
    await member.ready();
    disk.fill();
    // The log goes on in what it has reserved; the next snapshot finds no room.
    const writer = new MarkWriter(fleet.operators(), 64);
    expect(await member.ended(60_000)).toEqual({ exitCode: 1, signal: undefined });
    expect(member.errors()).toMatch(/^CELL_E_DISK_FULL: .*start again.*\n$/);
    await writer.stop();
    expect(writer.acknowledged).toBeGreaterThan(0);
    disk.empty();
    member.start();
    await member.ready();
    expect(await writer.lost(fleet.operators())).toEqual([]);
    await member.stop();
  } finally {
    if (member.running) await member.kill();
    disk.unmount();
  }
});
