import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Fleet, Member } from '../harness/fleet.ts';
import { makeGuardedFolder, sweepFolder } from '../harness/leftovers.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { clientAnswers, judge, peerPromises } from './durability-judge.ts';
import { Strace, whyNoStrace } from './strace.ts';
import { parseTrace, type SystemCall } from './system-calls.ts';
import { decryptCalls } from './tls-records.ts';

const MARKS = 12;

async function attached(member: Member, fleet: Fleet): Promise<Strace> {
  const strace = await Strace.attach(member.pid, fleet.folder);
  onTestFinished(async () => {
    await strace.detach();
  });
  return strace;
}

/** A fleet whose members write down the keys of their connections, without which a trace shows nothing. */
async function readableFleet(members: number): Promise<{ fleet: Fleet; readable: (trace: string) => SystemCall[] }> {
  const keyLog = join(makeGuardedFolder('cell-keys-'), 'keys');
  onTestFinished(() => sweepFolder(dirname(keyLog)));
  const fleet = await testFleet({ members, environment: { NODE_OPTIONS: `--tls-keylog=${keyLog}` } });
  return { fleet, readable: (trace) => decryptCalls(parseTrace(trace), readFileSync(keyLog, 'utf8')) };
}

/** One after the other, each with a name that is found again in what goes through the machine. */
async function writeMarks(fleet: Fleet, member: Member): Promise<string[]> {
  const { drills } = fleet.operators(member);
  const markers = Array.from({ length: MARKS }, (_, place) => `marker-${place}-of-this-test`);
  for (const drillId of markers) await drills.writeMark({ drillId, sequence: 1n }, { timeoutMs: 20_000 });
  return markers;
}

test('a member answers a client only after the change is synced to its log', async (context) => {
  const reason = whyNoStrace();
  if (reason !== undefined) return context.skip(reason);
  const { fleet, readable } = await readableFleet(1);
  const member = fleet.member(1);
  const strace = await attached(member, fleet);
  const markers = await writeMarks(fleet, member);
  const calls = readable(await strace.detach());
  const port = Number(member.grpcAddress.split(':')[1]);
  expect(judge(calls, clientAnswers(calls, port, markers))).toEqual({ promises: MARKS, violations: [] });
});

test('a follower acknowledges entries, and gives its vote, only after they are synced to its log', async (context) => {
  const reason = whyNoStrace();
  if (reason !== undefined) return context.skip(reason);
  const { fleet, readable } = await readableFleet(3);
  const leader = await fleet.leader();
  const follower = await fleet.follower();
  const strace = await attached(follower, fleet);
  await writeMarks(fleet, leader);
  const indexOf = (member: Member) => member.metric('cell_raft_last_index');
  const last = (await indexOf(leader))!;
  await waitFor(async () => ((await indexOf(follower)) ?? 0) >= last, { what: 'the follower to follow' });
  // The third takes over, with the vote of the one that is traced.
  const third = fleet.members.find((member) => member !== leader && member !== follower)!;
  await fleet.operators(leader).controlPlane.transferLeadership({ to: BigInt(third.id) });
  // Its first entry is sent after it asked for the vote, which is answered before the entry is there.
  await waitFor(async () => (await third.metric('cell_raft_is_leader')) === 1, { what: 'the third to lead' });
  await waitFor(async () => ((await indexOf(follower)) ?? 0) > last, { what: 'the follower to follow' });
  const calls = readable(await strace.detach());
  const promises = peerPromises(calls, follower.peersPort);
  expect(promises.filter(({ marker }) => marker?.includes('of-this-test')).length).toBeGreaterThanOrEqual(MARKS);
  expect(promises.filter(({ what }) => what.startsWith('Vote')).length).toBeGreaterThanOrEqual(1);
  expect(judge(calls, promises).violations).toEqual([]);
});
