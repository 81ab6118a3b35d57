import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLogStore } from '@cell/raft';
import { freePorts } from '../../cluster/harness/free-ports.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { BenchOutput, Unit } from '../bench.ts';
import { median, rounded } from '../statistics.ts';
import { CLUSTER_ID, foundingMembers, RAFT_SETTINGS } from './bench-member.ts';
import { makeSecurity, securityWord } from './bench-security.ts';
import { fleetSnapshot } from './fleet-snapshot.ts';
import type { LoadResult } from './load.ts';
import { SnapshotMember } from './snapshot-group.ts';
import type { MemberReport } from './snapshot-member-main.ts';
import { SNAPSHOT_EVERY } from './snapshot-settings.ts';

export interface SnapshotSizes {
  readonly members: number;
  readonly snapshotBytes: number;
  readonly inFlight: number;
  readonly valueBytes: number;
  readonly loadMs: number;
}

export const SNAPSHOT_SIZES: SnapshotSizes = {
  members: 3,
  snapshotBytes: 100_000_000,
  inFlight: 64,
  valueBytes: 256,
  loadMs: 10_000,
};

const SEED_INDEX = 1;

/** Loads until a snapshot is taken, at most. */
const LOADS_MAX = 12;

const LEADER_MS_MAX = 30_000;
const JOIN_MS_MAX = 60_000;

type StartMember = (id: number) => SnapshotMember;

/**
 * What a large state costs: pauses and elections while snapshots of it are taken under load, the time until a member
 * that is started with it takes part, and until one without data has it.
 */
export async function benchSnapshots(output: BenchOutput, sizes: SnapshotSizes = SNAPSHOT_SIZES): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-bench-'));
  const members: SnapshotMember[] = [];
  try {
    const addresses = (await freePorts(sizes.members + 1)).map((port) => `127.0.0.1:${port}`);
    const folderOf = (id: number) => join(folder, String(id));
    for (let id = 1; id <= sizes.members; id += 1) await seed(folderOf(id), id, sizes);
    output.progress('snapshots: members have their state');
    const security = securityWord(await makeSecurity(folder));
    const start: StartMember = (id) => new SnapshotMember(id, folderOf(id), security, addresses, sizes.members);
    for (let id = 1; id <= sizes.members; id += 1) members.push(start(id));
    await Promise.all(members.map((member) => member.upMs));
    await takeUnderLoad(output, members, sizes);
    await joinAnew(output, members, sizes, start);
    await restart(output, members, sizes, start);
  } finally {
    await Promise.all(members.map((member) => member.end()));
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A member's folder as if it had founded the cluster with this state. */
async function seed(directory: string, id: number, { members, snapshotBytes }: SnapshotSizes): Promise<void> {
  const conf = foundingMembers(members);
  const identity = { clusterId: CLUSTER_ID, nodeId: id };
  const store = await openLogStore({ directory, identity, bootstrap: conf });
  await store.createSnapshot({ index: SEED_INDEX, term: 1, conf }, fleetSnapshot(snapshotBytes));
  await store.close();
}

async function leaderOf(members: readonly SnapshotMember[]): Promise<SnapshotMember> {
  return waitFor(
    async () => {
      const reports = await Promise.all(members.map((member) => member.report()));
      return members.find((_, place) => reports[place]!.leading);
    },
    { what: 'a leader', timeoutMs: LEADER_MS_MAX },
  );
}

/** Writes until every member has taken a snapshot meanwhile. */
async function takeUnderLoad(
  output: BenchOutput,
  members: readonly SnapshotMember[],
  sizes: SnapshotSizes,
): Promise<void> {
  const leader = await leaderOf(members);
  const { term } = await leader.report();
  for (const member of members) member.watch();
  const { inFlight, valueBytes, loadMs } = sizes;
  const loads: LoadResult[] = [];
  let reports: MemberReport[] = [];
  const takenAtIndex = () => Math.min(...reports.map(({ snapshotIndex }) => snapshotIndex));
  while (loads.length === 0 || takenAtIndex() <= SEED_INDEX) {
    if (loads.length === LOADS_MAX) throw new Error(`No snapshot was taken within ${LOADS_MAX} times ${loadMs} ms`);
    loads.push(await leader.load({ inFlight, valueBytes, durationMs: loadMs, operation: 'proposals' }));
    reports = await Promise.all(members.map((member) => member.report()));
  }
  const own = await leader.report();
  const config = { ...sizes, ...RAFT_SETTINGS, snapshotEveryEntries: SNAPSHOT_EVERY, ...pausesOf(reports) };
  const figure = (name: string, value: number, unit: Unit) =>
    output.measured({ name: `snapshots.${name}`, value, unit, config: { ...config, loads } });
  figure('pause_max_ms', Math.max(...config.pauses.map(({ ms }) => ms)), 'ms');
  figure('work_max_ms', Math.max(...config.works), 'ms');
  figure('elections', own.term - term, 'count');
  figure('taken_at_index', takenAtIndex(), 'count');
  figure('load.per_second', median(loads.map(({ perSecond }) => perSecond)), '1/s');
  figure('load.p99_ms', median(loads.map(({ p99Ms }) => p99Ms)), 'ms');
  figure('rss_max_mb', rounded(Math.max(...reports.map(({ rssBytes }) => rssBytes)) / 1e6, 0), 'MB');
}

/** Of each member: its longest pause, and the most work in any one; a pause without work is the machine's. */
function pausesOf(reports: readonly MemberReport[]) {
  return {
    pauses: reports.map(({ pauseMax }) => ({ ms: rounded(pauseMax.ms, 1), workMs: rounded(pauseMax.workMs, 1) })),
    works: reports.map(({ workMsMax }) => rounded(workMsMax, 1)),
  };
}

/** One more member, without data. */
async function joinAnew(
  output: BenchOutput,
  members: SnapshotMember[],
  sizes: SnapshotSizes,
  start: StartMember,
): Promise<void> {
  const leader = await leaderOf(members);
  const id = sizes.members + 1;
  const joining = start(id);
  members.push(joining);
  await joining.upMs;
  for (const member of members) member.watch();
  const startMs = performance.now();
  leader.add(id);
  // A snapshot that holds the change is taken first.
  await waitFor(async () => (await joining.report()).snapshotIndex > 0, {
    what: 'the snapshot to arrive',
    timeoutMs: JOIN_MS_MAX,
  });
  const seconds = rounded((performance.now() - startMs) / 1000, 2);
  const reports = await Promise.all(members.map((member) => member.report()));
  const cpuSeconds = reports.map((report) => rounded(report.cpuSeconds, 2));
  const config = { ...sizes, ...RAFT_SETTINGS, snapshotEveryEntries: SNAPSHOT_EVERY, ...pausesOf(reports), cpuSeconds };
  output.measured({ name: 'snapshots.sent_and_installed_s', value: seconds, unit: 's', config });
}

async function restart(
  output: BenchOutput,
  members: SnapshotMember[],
  sizes: SnapshotSizes,
  start: StartMember,
): Promise<void> {
  const leader = await leaderOf(members);
  const place = members.findIndex((member) => member !== leader);
  await members[place]!.end();
  const again = start(place + 1);
  members[place] = again;
  const seconds = rounded((await again.upMs) / 1000, 2);
  const cpuSeconds = rounded((await again.report()).cpuSeconds, 2);
  const config = { ...sizes, ...RAFT_SETTINGS, cpuSeconds };
  output.measured({ name: 'snapshots.restart_s', value: seconds, unit: 's', config });
}
