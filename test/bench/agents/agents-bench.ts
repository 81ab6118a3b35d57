import { setTimeout } from 'node:timers/promises';
import type { CellClient } from '@cell/sdk';
import type { BenchOutput } from '../bench.ts';
import { cpuSeconds, residentMb } from '../process-usage.ts';
import { rounded } from '../statistics.ts';
import { SimulatedFleet } from './simulated-fleet.ts';

export interface AgentsSizes {
  readonly members: number;
  readonly agents: number;
  readonly durationMs: number;
}

export const AGENTS_SIZES: AgentsSizes = { members: 3, agents: 1_000, durationMs: 60_000 };

/** What many connected agents cost the members, and whether any of them is taken for lost. */
export async function benchAgents(output: BenchOutput, sizes: AgentsSizes = AGENTS_SIZES): Promise<void> {
  const simulated = await SimulatedFleet.start(sizes);
  try {
    const pids = simulated.fleet.members.map((member) => member.pid);
    output.progress(`agents: ${sizes.agents} are ready; watching for ${sizes.durationMs} ms`);
    const [before, startMs] = [pids.map(cpuSeconds), performance.now()];
    await setTimeout(sizes.durationMs);
    const seconds = (performance.now() - startMs) / 1000;
    const cores = pids.map((pid, place) => rounded((cpuSeconds(pid) - (before[place] ?? 0)) / seconds, 3));
    const resident = pids.map((pid) => rounded(residentMb(pid), 1));
    const client = simulated.fleet.operators();
    const { nodesReady } = await client.fleet.getFleetStatus({});
    const { agents } = simulated;
    const config = {
      ...sizes,
      nodesReady,
      sessionsBroken: agents.reduce((sum, agent) => sum + agent.sessionsBroken, 0),
      leaseAgeMsMax: rounded(Math.max(...agents.map((agent) => agent.leaseAgeMsMax)), 0),
    };
    const losses = (await countLosses(client)) + (sizes.agents - nodesReady);
    output.measured({ name: 'agents.false_losses', value: losses, unit: 'count', config });
    output.measured({
      name: 'agents.member_cpu_cores',
      value: Math.max(...cores),
      unit: 'cores',
      config: { ...config, all: cores },
    });
    output.measured({
      name: 'agents.member_rss_mb',
      value: Math.max(...resident),
      unit: 'MB',
      config: { ...config, all: resident },
    });
  } finally {
    await simulated.stop();
  }
}

async function countLosses(client: CellClient): Promise<number> {
  let losses = 0;
  for await (const { event } of client.fleet.streamEvents({})) if (event?.type === 'NodeLost') losses += 1;
  return losses;
}
