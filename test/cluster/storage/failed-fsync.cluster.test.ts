import { expect, onTestFinished, test } from 'vitest';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Strace, whyNoStrace } from './strace.ts';

/** Syncs that succeed before the one that fails: so that some marks are acknowledged under the tracer, too. */
const GOOD_SYNCS = 10;

test('a member whose fsync fails ends with a coded error, is replaced, and has all that it acknowledged', async (context) => {
  const reason = whyNoStrace();
  if (reason !== undefined) return context.skip(reason);
  const fleet = await testFleet({ members: 3 });
  const leader = await fleet.leader();
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged > 20, { what: 'some marks' });
  const fault = `inject=fdatasync:error=EIO:when=${GOOD_SYNCS + 1}+`;
  const strace = await Strace.attach(leader.pid, fleet.folder, ['-e', 'trace=fdatasync', '-e', fault]);
  onTestFinished(async () => {
    await strace.detach();
  });
  expect(await leader.ended()).toEqual({ exitCode: 1, signal: undefined });
  expect(leader.errors()).toMatch(/^CELL_E_DISK_FAILED: .*log-\d+\.wal.*EIO.*\n$/);
  await strace.detach();
  const next = await fleet.leader();
  expect(next).not.toBe(leader);
  const goal = writer.acknowledged + 20;
  await waitFor(() => writer.acknowledged > goal, { what: 'marks without it' });
  leader.start();
  await leader.ready();
  await writer.stop();
  for (const member of fleet.members) expect(await writer.lost(fleet.operators(member))).toEqual([]);
});

test('a lone member whose fsync fails has all that it acknowledged when it is started again', async (context) => {
  const reason = whyNoStrace();
  if (reason !== undefined) return context.skip(reason);
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged > 20, { what: 'some marks' });
  const fault = `inject=fdatasync:error=EIO:when=${GOOD_SYNCS + 1}`;
  const strace = await Strace.attach(member.pid, fleet.folder, ['-e', 'trace=fdatasync', '-e', fault]);
  onTestFinished(async () => {
    await strace.detach();
  });
  // Once is enough: it is never tried again.
  expect(await member.ended()).toEqual({ exitCode: 1, signal: undefined });
  expect(member.errors()).toMatch(/^CELL_E_DISK_FAILED: /);
  member.start();
  await member.ready();
  await writer.stop();
  expect(await writer.lost(fleet.operators())).toEqual([]);
});
