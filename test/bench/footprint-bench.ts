import { setTimeout } from 'node:timers/promises';
import { startFleet } from '../cluster/harness/fleet.ts';
import type { BenchOutput } from './bench.ts';
import { residentMb } from './process-usage.ts';
import { median, rounded } from './statistics.ts';

export interface FootprintSizes {
  readonly members: number;
  readonly agents: number;
  readonly idleMs: number;
}

export const FOOTPRINT_SIZES: FootprintSizes = { members: 3, agents: 3, idleMs: 20_000 };

/** Resident memory of the daemons of a fleet that has nothing to do. */
export async function benchFootprint(output: BenchOutput, sizes: FootprintSizes = FOOTPRINT_SIZES): Promise<void> {
  const fleet = await startFleet({ members: sizes.members, agents: sizes.agents });
  try {
    output.progress(`footprint: idle for ${sizes.idleMs} ms`);
    await setTimeout(sizes.idleMs);
    const found = [
      { name: 'footprint.agent_rss_mb', daemons: fleet.agents },
      { name: 'footprint.control_plane_rss_mb', daemons: fleet.members },
    ];
    for (const { name, daemons } of found) {
      const all = daemons.map((daemon) => rounded(residentMb(daemon.pid), 1));
      output.measured({ name, value: median(all), unit: 'MB', config: { ...sizes, all } });
    }
  } finally {
    await fleet.stop();
  }
}
