import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { CellClient } from '@cell/sdk';
import { type Fleet, type Member, startFleet } from '../cluster/harness/fleet.ts';
import { MarkWriter } from '../cluster/harness/mark-writer.ts';
import { waitFor } from '../cluster/harness/wait-for.ts';
import type { BenchOutput } from './bench.ts';
import { median, rounded } from './statistics.ts';

export interface FailoverSizes {
  readonly members: number;
  readonly kills: number;
}

export const FAILOVER_SIZES: FailoverSizes = { members: 3, kills: 50 };

/** The kill must not be in step with the leader's heartbeats, which come every 50 ms. */
const SETTLED_MS = 300;
const HEARTBEAT_MS = 50;

/** After the kill a new write begins this often, to all survivors, and the first that is acknowledged ends the outage. */
const PROBE_EVERY_MS = 5;
const PROBE_MS_MAX = 15_000;

const CAUGHT_UP_MS_MAX = 20_000;

/** Time from SIGKILL of the leader until a write that began later is acknowledged; no acknowledged write may be lost. */
export async function benchFailover(output: BenchOutput, sizes: FailoverSizes = FAILOVER_SIZES): Promise<void> {
  const fleet = await startFleet({ members: sizes.members });
  try {
    const writer = new MarkWriter(fleet.operators());
    const probes = new ProbeNumbers();
    const outagesMs: number[] = [];
    for (let kill = 1; kill <= sizes.kills; kill += 1) {
      const outageMs = await measureOutage(fleet, probes);
      outagesMs.push(rounded(outageMs, 0));
      output.progress(`failover: kill ${kill} of ${sizes.kills}: ${rounded(outageMs, 0)} ms`);
    }
    const acknowledged = await writer.stop();
    const lost = await writer.lost();
    if (lost.length > 0) throw new Error(`Lost ${lost.length} of ${acknowledged} acknowledged writes`);
    report(output, sizes, outagesMs, acknowledged);
  } finally {
    await fleet.stop();
  }
}

/** The marks that probe: all in one drill, as the control plane keeps only the newest few drills. */
class ProbeNumbers {
  readonly #drillId = `bench-${randomUUID().slice(0, 8)}`;
  #count = 0;

  next(): { readonly drillId: string; readonly sequence: bigint } {
    this.#count += 1;
    return { drillId: this.#drillId, sequence: BigInt(this.#count) };
  }
}

async function measureOutage(fleet: Fleet, probes: ProbeNumbers): Promise<number> {
  await caughtUp(fleet);
  await setTimeout(SETTLED_MS + Math.random() * HEARTBEAT_MS);
  const leader = await fleet.leader();
  const survivors = fleet.members.filter((member) => member !== leader).map((member) => fleet.operators(member));
  process.kill(leader.pid, 'SIGKILL');
  const killedMs = performance.now();
  try {
    return (await firstAcknowledgement(survivors, probes)) - killedMs;
  } finally {
    for (const client of survivors) client.close();
    await leader.ended();
    leader.start();
  }
}

/** When the first write was acknowledged, on the monotonic clock. */
function firstAcknowledgement(survivors: readonly CellClient[], probes: ProbeNumbers): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = () => {
      for (const client of survivors) {
        client.drills.writeMark(probes.next(), { timeoutMs: PROBE_MS_MAX }).then(
          () => settle(() => resolve(performance.now())),
          // Another one will be acknowledged, or the time runs out.
          () => undefined,
        );
      }
    };
    const timer = setInterval(probe, PROBE_EVERY_MS);
    const stop = new AbortController();
    const settle = (work: () => void) => {
      clearInterval(timer);
      stop.abort();
      work();
    };
    setTimeout(PROBE_MS_MAX, undefined, { signal: stop.signal }).then(
      () => settle(() => reject(new Error(`No write was acknowledged within ${PROBE_MS_MAX} ms`))),
      // It was acknowledged in time.
      () => undefined,
    );
  });
}

/** Until all members reach each other and have what the leader had committed when this began. */
async function caughtUp(fleet: Fleet): Promise<void> {
  await fleet.ready();
  const connected = () => Promise.all(fleet.members.map((member) => reachesAll(member, fleet)));
  await waitFor(async () => (await connected()).every(Boolean), {
    what: 'all members to reach each other',
    timeoutMs: CAUGHT_UP_MS_MAX,
  });
  const client = fleet.operators();
  let goal: bigint | undefined;
  await waitFor(
    async () => {
      const { members } = await client.controlPlane.getControlPlaneStatus({});
      goal ??= members.find((member) => member.role === 'leader')?.commitIndex;
      const least = goal;
      return least !== undefined && members.every((member) => member.reachable && member.appliedIndex >= least);
    },
    { what: 'all members to catch up', timeoutMs: CAUGHT_UP_MS_MAX },
  );
  client.close();
}

async function reachesAll(member: Member, fleet: Fleet): Promise<boolean> {
  const others = fleet.members.filter((other) => other !== member);
  const streams = others.map(({ id }) => member.metric(`cell_raft_peer_connected{peer="${id}"}`));
  return (await Promise.all(streams)).every((stands) => stands === 1);
}

function report(output: BenchOutput, sizes: FailoverSizes, outagesMs: readonly number[], acknowledged: number): void {
  const config = { ...sizes, settings: 'default', acknowledgedWrites: acknowledged, lostWrites: 0, all: outagesMs };
  output.measured({ name: 'failover.median_ms', value: median(outagesMs), unit: 'ms', config });
  output.measured({ name: 'failover.min_ms', value: Math.min(...outagesMs), unit: 'ms', config });
  output.measured({ name: 'failover.max_ms', value: Math.max(...outagesMs), unit: 'ms', config });
}
