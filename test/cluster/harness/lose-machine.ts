import type { Agent } from './fleet.ts';
import { processesBelow } from './leftovers.ts';
import { waitFor } from './wait-for.ts';

/** As if the machine had lost its power: the agent and everything that it runs are gone at once. */
export async function loseMachine(agent: Agent): Promise<void> {
  const gone = agent.kill();
  killAll(agent);
  await gone;
  // What was just being born.
  await waitFor(() => killAll(agent) === 0, { what: `all processes of ${agent.name} to be gone` });
}

function killAll(agent: Agent): number {
  const pids = processesBelow(agent.dataFolder);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  return pids.length;
}
