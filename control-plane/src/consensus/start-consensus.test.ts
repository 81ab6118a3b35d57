import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../state/commands.ts';
import type { StateChange } from '../state/fleet-state.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { type LocalCluster, type LocalMember, startLocalCluster } from './testing/local-cluster.ts';

/** Of calls that are to succeed, on a machine that has other things to do. */
const timeoutMs = 30_000;

async function testCluster(count: number): Promise<LocalCluster> {
  const cluster = await startLocalCluster(count);
  onTestFinished(() => cluster.stop());
  return cluster;
}

function mark(sequence: number): Command {
  return { kind: 'write-mark', timeMs: 1, drillId: 'drill', sequence };
}

function marksOf(member: LocalMember): unknown {
  return member.running.consensus.state.drills.get('drill')?.ranges;
}

test('a command that any member submits is applied there before it resolves, and everywhere after a barrier', async () => {
  const cluster = await testCluster(3);
  await cluster.leader();
  for (const [place, member] of cluster.members.entries()) {
    await expect(member.running.consensus.submit(mark(place), timeoutMs)).resolves.toMatchObject({ ok: true });
    expect(marksOf(member)).toEqual([[0, place]]);
  }
  for (const member of cluster.members) {
    await member.running.consensus.readBarrier(timeoutMs);
    expect(marksOf(member)).toEqual([[0, 2]]);
    expect(member.outcomes).toEqual(['applied']);
  }
});

test('a refusal by the state machine comes back as a result, also through a follower', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader)!;
  const stop: Command = { kind: 'stop-job', timeMs: 1, name: 'nothing' };
  await expect(follower.running.consensus.submit(stop, timeoutMs)).resolves.toMatchObject({
    ok: false,
    code: 'CELL_E_NOT_FOUND',
  });
});

test('listeners hear of each batch once, after it is applied', async () => {
  const cluster = await testCluster(1);
  const { consensus } = (await cluster.leader()).running;
  const heard: [StateChange | 'replaced', index: number][] = [];
  consensus.onChange((change) => heard.push([change, consensus.state.index]));
  await Promise.all([1, 2, 3].map((sequence) => consensus.propose(mark(sequence))));
  await setImmediate();
  expect(heard.length).toBeGreaterThan(0);
  for (const [change, index] of heard) expect(change).toMatchObject({ index });
  expect(marksOf(cluster.members[0]!)).toEqual([[1, 3]]);
});

test('writes go on after the leader is lost, and the one that comes back catches up', async () => {
  const cluster = await testCluster(3);
  const first = await cluster.leader();
  const [left] = cluster.members.filter((member) => member !== first);
  await left!.running.consensus.submit(mark(1), timeoutMs);
  await first.stop();
  await expect(left!.running.consensus.submit(mark(2), timeoutMs)).resolves.toMatchObject({ ok: true });
  await first.start();
  await first.running.consensus.readBarrier(timeoutMs);
  expect(marksOf(first)).toEqual([[1, 2]]);
});

test('what is on its way to a leader that is lost is written once, and its caller hears of it', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const { consensus } = cluster.members.find((member) => member !== leader)!.running;
  const spec = { kind: 'submit-job', timeMs: 1, spec: exampleSpec(), expectedIndex: 0 } as const;
  const marks = Array.from({ length: 200 }, (_, sequence) => consensus.submit(mark(sequence), timeoutMs));
  // A second one of this would find that there is the job already.
  const job = consensus.submit(spec, timeoutMs);
  // The calls have left, and the leader goes before it can have answered all of them.
  await setImmediate();
  await leader.stop();
  expect((await Promise.all(marks)).every(({ ok }) => ok)).toBe(true);
  expect(await job).toMatchObject({ ok: true, version: 1, unchanged: false });
  expect(consensus.state.drills.get('drill')?.ranges).toEqual([[0, 199]]);
});

test('without a majority nothing is written, and it is said that nothing was', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader)!;
  for (const member of cluster.members) if (member !== follower) await member.stop();
  await expect.poll(() => follower.running.consensus.leadership.leaderId).toBe(0);
  await expect(follower.running.consensus.submit(mark(1), 200)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  await expect(follower.running.consensus.readBarrier(200)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  await expect(follower.running.consensus.propose(mark(1))).rejects.toMatchObject({ code: 'CELL_E_NOT_LEADER' });
  expect(follower.outcomes).toEqual(['CELL_E_NO_LEADER', 'CELL_E_NOT_LEADER']);
});

test('a leader that is cut off says that the outcome is unknown', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const others = cluster.members.filter((member) => member !== leader);
  // Asked in the same turn, while it still leads: it gives that up once it has heard of nobody for a while.
  const stopped = Promise.all(others.map((member) => member.stop()));
  const outcome = leader.running.consensus.submit(mark(1), 300);
  await expect(outcome).rejects.toMatchObject({ code: 'CELL_E_OUTCOME_UNKNOWN' });
  await stopped;
});

test('a command above the limit is refused before it reaches the log', async () => {
  const cluster = await testCluster(1);
  const { consensus } = (await cluster.leader()).running;
  const huge: Command = { kind: 'stop-job', timeMs: 1, name: 'x'.repeat(2 * 1024 * 1024) };
  await expect(consensus.submit(huge, 1000)).rejects.toMatchObject({ code: 'CELL_E_LIMIT' });
});

test('leadership goes where it is sent', async () => {
  const cluster = await testCluster(3);
  const leader = await cluster.leader();
  const target = cluster.members.find((member) => member !== leader)!;
  await leader.running.consensus.transferLeadership(target.id, timeoutMs);
  await expect.poll(() => target.running.consensus.leadership.leading).toBe(true);
});

test('members call each other, and themselves without the network', async () => {
  const cluster = await testCluster(2);
  await cluster.leader();
  const [one, two] = cluster.members as [LocalMember, LocalMember];
  const { peers } = one.running;
  expect(await peers.member(2, timeoutMs)).toMatchObject({ id: 2, dataBytes: 2 ** 40, leaderId: 9, agentSessions: 7 });
  expect(await peers.member(1, timeoutMs)).toMatchObject({ id: 1 });
  expect(await peers.reportLiveness(2, [{ nodeId: 'n', ageMs: 12.4 }], timeoutMs)).toEqual(['lost']);
  await peers.crash(2, 'drill-7', timeoutMs);
  expect(await peers.transfer(2, 1, timeoutMs)).toBe(1);
  expect(two.logged).toContainEqual({ crash: 'drill-7' });
  expect(two.logged.some((entry) => 'livenessReported' in entry)).toBe(true);
  await two.stop();
  await expect(peers.member(2, 1000)).rejects.toMatchObject({ code: 'CELL_E_PEER_UNREACHABLE' });
});

test('output is relayed to its end, and its source is told when the reader goes', async () => {
  const cluster = await testCluster(2);
  const [one, two] = cluster.members as [LocalMember, LocalMember];
  const request = { allocationId: 'a', follow: false, tailLines: 5, stream: 'both' } as const;
  const lines: string[] = [];
  const signal = new AbortController().signal;
  for await (const { data, stream } of one.running.peers.relayLogs(2, request, signal))
    lines.push(`${stream} ${Buffer.from(data).toString()}`);
  expect(lines).toEqual(['stderr a 5 0\n', 'stderr a 5 1\n', 'stderr a 5 2\n']);
  for await (const _ of one.running.peers.relayLogs(2, { ...request, follow: true }, signal)) break;
  await expect.poll(() => two.logged).toContainEqual({ logsAborted: true });
});
