import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';

/** Room for the log's first segments, of 16 MiB each. */
const SIZE = '48m';

test('a member whose disk is full stops and says so; with room again it has every acknowledged write', async (context) => {
  if (process.getuid?.() !== 0) context.skip('Mounting a small file system takes root');
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  mkdirSync(member.dataFolder);
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', member.dataFolder], {
      stdio: 'pipe',
    });
  } catch {
    context.skip('Mounting is not allowed here');
  }
  try {
    member.start();
    await member.ready();
    const filler = join(member.dataFolder, 'filler');
    fill(filler);
    // The log goes on in what it has reserved; the next snapshot finds no room.
    const writer = new MarkWriter(fleet.operators(), 64);
    expect(await member.ended(60_000)).toEqual({ exitCode: 1, signal: undefined });
    expect(member.errors()).toMatch(/^CELL_E_DISK_FULL: .*start again.*\n$/);
    await writer.stop();
    expect(writer.acknowledged).toBeGreaterThan(0);
    rmSync(filler);
    member.start();
    await member.ready();
    expect(await writer.lost(fleet.operators())).toEqual([]);
    await member.stop();
  } finally {
    if (member.running) await member.kill();
    execFileSync('/usr/bin/umount', ['-l', member.dataFolder]);
  }
});

function fill(file: string): void {
  for (let bytes = 1024 * 1024; bytes >= 4096; bytes /= 2) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(bytes));
    } catch {
      // Not so much; maybe less.
    }
  }
}
