import { setTimeout } from 'node:timers/promises';
import { type Fleet, startFleet } from '../../cluster/harness/fleet.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { SimulatedAgent } from './simulated-agent.ts';

export interface SimulatedFleetSizes {
  readonly members: number;
  readonly agents: number;
}

/** Agents that connect at once; a fleet doesn't come up in one millisecond either. */
const CONNECT_TOGETHER = 25;
const CONNECT_PAUSE_MS = 20;

const READY_MS_MAX = 60_000;

/** Real members, and agents that are only simulated, each with a session and a connection of its own. */
export class SimulatedFleet {
  readonly fleet: Fleet;
  readonly agents: readonly SimulatedAgent[];

  private constructor(fleet: Fleet, agents: readonly SimulatedAgent[]) {
    this.fleet = fleet;
    this.agents = agents;
  }

  /** Resolves once all agents' nodes are ready. `onPlaced`: see `SimulatedAgentParts`. */
  static async start(
    sizes: SimulatedFleetSizes,
    onPlaced: (jobs: readonly string[]) => void = () => {},
  ): Promise<SimulatedFleet> {
    const fleet = await startFleet({ members: sizes.members });
    const agents: SimulatedAgent[] = [];
    const simulated = new SimulatedFleet(fleet, agents);
    try {
      for (let place = 0; place < sizes.agents; place += 1) {
        agents.push(
          new SimulatedAgent({ name: `node-${place + 1}`, members: fleet.addresses, first: place, onPlaced }),
        );
        if (place % CONNECT_TOGETHER === CONNECT_TOGETHER - 1) await setTimeout(CONNECT_PAUSE_MS);
      }
      await simulated.#ready(sizes.agents);
      return simulated;
    } catch (error) {
      await simulated.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const agent of this.agents) agent.stop();
    await this.fleet.stop();
  }

  async #ready(count: number): Promise<void> {
    const client = this.fleet.operators();
    await waitFor(async () => (await client.fleet.getFleetStatus({})).nodesReady === count, {
      what: `${count} nodes to be ready`,
      timeoutMs: READY_MS_MAX,
      pollMs: 100,
    });
  }
}
