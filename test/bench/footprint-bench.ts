import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startFleet } from '../cluster/harness/fleet.ts';
import type { BenchOutput } from './bench.ts';
import { residentMb } from './process-usage.ts';
import { median, rounded } from './statistics.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface FootprintSizes {
  readonly members: number;
  readonly agents: number;
  readonly idleMs: number;
}

export const FOOTPRINT_SIZES: FootprintSizes = { members: 3, agents: 3, idleMs: 20_000 };

/** Resident memory of the daemons of a fleet that has nothing to do. */
export async function benchFootprint(output: BenchOutput, sizes: FootprintSizes = FOOTPRINT_SIZES): Promise<void> {
  fillCompileCache();
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

/**
 * A source that was changed since it last ran has Node's type stripper loaded, 16 MB, by the daemon that is first to run it.
 * Where Cell is installed nothing is stripped.
 */
function fillCompileCache(): void {
  for (const program of ['cell-agent', 'cell-control-plane']) {
    execFileSync(join(ROOT, 'bin', program), ['--version'], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}
