import { cpuUsage } from 'node:process';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { SimulatedFleet } from '../agents/simulated-fleet.ts';
import type { BenchOutput } from '../bench.ts';
import { cpuSeconds } from '../process-usage.ts';
import { rounded } from '../statistics.ts';
import { Compared, MODES, type Mode } from './compared.ts';

export interface ReturnSizes {
  readonly members: number;
  readonly agents: number;
  readonly rounds: number;
}

const BACK_MS_MAX = 120_000;
const POLL_MS = 5;
const MICROSECONDS_PER_SECOND = 1e6;

interface Return {
  /** Until all sessions stand. */
  readonly seconds: number;
  /** Processor time of all members, and of this process, which is all agents. */
  readonly memberCpuSeconds: number;
  readonly agentCpuSeconds: number;
}

/** All agents lose their connections and come back at once, as after a break of the network. */
export async function measureReturn(output: BenchOutput, sizes: ReturnSizes): Promise<void> {
  const fleets: { readonly mode: Mode; readonly simulated: SimulatedFleet }[] = [];
  try {
    for (const mode of MODES)
      fleets.push({ mode, simulated: await SimulatedFleet.start(sizes, { plain: mode === 'plain' }) });
    const figures = {
      seconds: new Compared(),
      rate: new Compared(),
      memberCpu: new Compared(),
      agentCpu: new Compared(),
    };
    for (let round = 1; round <= sizes.rounds; round += 1) {
      for (const { mode, simulated } of fleets) {
        const { seconds, memberCpuSeconds, agentCpuSeconds } = await comeBack(simulated);
        figures.seconds.add(mode, seconds);
        figures.rate.add(mode, Math.round(sizes.agents / seconds));
        figures.memberCpu.add(mode, memberCpuSeconds);
        figures.agentCpu.add(mode, agentCpuSeconds);
        output.progress(`tls: round ${round} of ${sizes.rounds}, ${mode}: all are back after ${rounded(seconds, 2)} s`);
      }
    }
    figures.rate.report(output, 'tls.return.sessions_per_second', '1/s', { ...sizes });
    figures.seconds.report(output, 'tls.return.all_s', 's', { ...sizes });
    figures.memberCpu.report(output, 'tls.return.member_cpu_s', 's', { ...sizes });
    figures.agentCpu.report(output, 'tls.return.agent_cpu_s', 's', { ...sizes });
  } finally {
    for (const { simulated } of fleets) await simulated.stop();
  }
}

async function comeBack({ agents, fleet }: SimulatedFleet): Promise<Return> {
  const members = () => fleet.members.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  const [before, own, startMs] = [members(), cpuUsage(), performance.now()];
  for (const agent of agents) agent.reconnect();
  await waitFor(() => agents.every(({ connected }) => connected), {
    what: 'all sessions to stand again',
    timeoutMs: BACK_MS_MAX,
    pollMs: POLL_MS,
  });
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = cpuUsage(own);
  return {
    seconds,
    memberCpuSeconds: rounded(members() - before, 2),
    agentCpuSeconds: rounded((user + system) / MICROSECONDS_PER_SECOND, 2),
  };
}
