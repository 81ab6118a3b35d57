import { setTimeout } from 'node:timers/promises';
import { PlacementWatch, placeJob } from '../agents/placement-bench.ts';
import { SimulatedFleet } from '../agents/simulated-fleet.ts';
import type { BenchOutput } from '../bench.ts';
import { cpuSeconds, residentMb } from '../process-usage.ts';
import { percentile } from '../statistics.ts';
import { Compared, MODES, type Mode } from './compared.ts';

export interface FleetSizes {
  readonly members: number;
  readonly agents: number;
  readonly rounds: number;
  readonly idleMs: number;
  /** In each round. */
  readonly jobs: number;
  readonly instancesPerJob: number;
}

interface MeasuredFleet {
  readonly mode: Mode;
  readonly simulated: SimulatedFleet;
  readonly watch: PlacementWatch;
}

/** Sessions that have nothing to do, and placement, of two fleets, of which one talks in plain text. */
export async function compareFleets(output: BenchOutput, sizes: FleetSizes): Promise<void> {
  const fleets: MeasuredFleet[] = [];
  try {
    for (const mode of MODES) fleets.push(await start(mode, sizes));
    const figures = { cpu: new Compared(), resident: new Compared(), rate: new Compared(), p50: new Compared() };
    for (let round = 1; round <= sizes.rounds; round += 1) {
      for (const fleet of fleets) {
        figures.cpu.add(fleet.mode, await idleCores(fleet, sizes.idleMs));
        const placed = await place(fleet, sizes, round);
        figures.rate.add(fleet.mode, placed.perSecond);
        figures.p50.add(fleet.mode, placed.p50Ms);
        figures.resident.add(fleet.mode, Math.max(...pidsOf(fleet).map(residentMb)));
        output.progress(`tls: round ${round} of ${sizes.rounds}, ${fleet.mode}: ${placed.perSecond} placed per second`);
      }
    }
    figures.cpu.report(output, 'tls.sessions.member_cpu_cores', 'cores', { ...sizes });
    figures.resident.report(output, 'tls.sessions.member_rss_mb', 'MB', { ...sizes });
    figures.rate.report(output, 'tls.placement.per_second', '1/s', { ...sizes });
    figures.p50.report(output, 'tls.placement.p50_ms', 'ms', { ...sizes });
  } finally {
    for (const { simulated } of fleets) await simulated.stop();
  }
}

async function start(mode: Mode, sizes: FleetSizes): Promise<MeasuredFleet> {
  const watch = new PlacementWatch(sizes.instancesPerJob);
  const onPlaced = (jobs: readonly string[]) => watch.placed(jobs);
  return { mode, watch, simulated: await SimulatedFleet.start(sizes, { onPlaced, plain: mode === 'plain' }) };
}

function pidsOf({ simulated }: MeasuredFleet): number[] {
  return simulated.fleet.members.map(({ pid }) => pid);
}

/** Of all members together. */
async function idleCores(fleet: MeasuredFleet, idleMs: number): Promise<number> {
  const used = () => pidsOf(fleet).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const [before, startMs] = [used(), performance.now()];
  await setTimeout(idleMs);
  return (used() - before) / ((performance.now() - startMs) / 1000);
}

async function place({ simulated, watch }: MeasuredFleet, sizes: FleetSizes, round: number) {
  const client = simulated.fleet.operators();
  const names = Array.from({ length: sizes.jobs }, (_, job) => `job-${round}-${job + 1}`);
  const [before, startMs] = [watch.latenciesMs.length, performance.now()];
  await Promise.all(names.map((name) => placeJob(client, watch, name)));
  const seconds = (performance.now() - startMs) / 1000;
  client.close();
  const latenciesMs = watch.latenciesMs.slice(before);
  return { perSecond: Math.round(latenciesMs.length / seconds), p50Ms: percentile(latenciesMs, 0.5) };
}
