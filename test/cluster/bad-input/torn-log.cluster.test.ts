import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const FRAME_MAGIC = Buffer.from('FRAM');
const ALIGNMENT_BYTES = 32;
/** Of the frame's header: all but its end mark, as a power cut leaves it. */
const TORN_BYTES = 24;

/** Writes what a power cut in the middle of a write leaves at the end of the log: the beginning of a frame. */
function tear(member: Member): void {
  const folder = join(member.dataFolder, 'raft');
  const segments = readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(FRAME_MAGIC));
  const file = join(folder, segments.sort().at(-1)!);
  const bytes = readFileSync(file);
  let last = -1;
  for (let at = 0; at < bytes.length; at += ALIGNMENT_BYTES) {
    if (bytes.subarray(at, at + FRAME_MAGIC.length).equals(FRAME_MAGIC)) last = at;
  }
  expect(last).toBeGreaterThan(0);
  const payloadBytes = bytes.readUInt32LE(last + 4);
  const end = last + Math.ceil((32 + payloadBytes + 4) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  expect(bytes.subarray(end, end + ALIGNMENT_BYTES).every((byte) => byte === 0)).toBe(true);
  bytes.copy(bytes, end, last, last + TORN_BYTES);
  writeFileSync(file, bytes);
}

test('a write that a power cut tore at the end of the log is cut off, and everything acknowledged is there', async () => {
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  for (let round = 0; round < 2; round += 1) {
    const writer = new MarkWriter(fleet.operators());
    await waitFor(() => writer.acknowledged > 50, { what: 'some marks' });
    await writer.stop();
    await member.kill();
    tear(member);
    member.start();
    await member.ready();
    expect(await writer.lost(fleet.operators())).toEqual([]);
  }
  expect(member.output()).toMatch(/unfinished|torn|cut/i);
  expect(member.errors()).toBe('');
});
