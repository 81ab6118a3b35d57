import { setTimeout } from 'node:timers/promises';
import { type Credentials, channelCredentials, channelSecurityOptions } from '@cell/identity';
import { Metadata } from '@grpc/grpc-js';
import { type Fleet, startFleet } from '../../cluster/harness/fleet.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { plainAgent, plainMembers } from '../tls/plain-fleet.ts';
import { joinNodes, simulatedId } from './join-nodes.ts';
import { type AgentSecurity, SimulatedAgent } from './simulated-agent.ts';

export interface SimulatedFleetSizes {
  readonly members: number;
  readonly agents: number;
}

export interface SimulatedFleetOptions {
  /** See `SimulatedAgentParts`. */
  readonly onPlaced?: (jobs: readonly string[]) => void;
  /** In plain text, to compare with. */
  readonly plain?: boolean;
}

/** Agents that connect at once; a fleet doesn't come up in one millisecond either. */
const CONNECT_TOGETHER = 25;
const CONNECT_PAUSE_MS = 20;

const READY_MS_MAX = 60_000;

/** All agents come from one address here, at once. */
const LIMITS = `[limits]
joins_per_minute = 100000
joins_burst = 100000
connections_per_address = 10000
`;

/** Real members, and agents that are only simulated, each with a certificate, a session and a connection of its own. */
export class SimulatedFleet {
  readonly fleet: Fleet;
  readonly agents: readonly SimulatedAgent[];

  private constructor(fleet: Fleet, agents: readonly SimulatedAgent[]) {
    this.fleet = fleet;
    this.agents = agents;
  }

  /** Resolves once all agents' nodes are ready. */
  static async start(
    sizes: SimulatedFleetSizes,
    { onPlaced = () => {}, plain = false }: SimulatedFleetOptions = {},
  ): Promise<SimulatedFleet> {
    const fleet = await startFleet({
      members: sizes.members,
      memberSettings: LIMITS,
      ...(plain ? { substitute: plainMembers() } : {}),
    });
    const agents: SimulatedAgent[] = [];
    const simulated = new SimulatedFleet(fleet, agents);
    try {
      const names = Array.from({ length: sizes.agents }, (_, place) => `node-${place + 1}`);
      const security = plain ? names.map((name) => plainAgent(simulatedId(name))) : await joined(fleet, names);
      for (const [place, name] of names.entries()) {
        const members = fleet.addresses;
        agents.push(new SimulatedAgent({ name, members, first: place, onPlaced, security: security[place]! }));
        if (place % CONNECT_TOGETHER === CONNECT_TOGETHER - 1) await setTimeout(CONNECT_PAUSE_MS);
      }
      await simulated.ready();
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

  /** Until all nodes are. */
  async ready(): Promise<void> {
    const client = this.fleet.operators();
    await waitFor(async () => (await client.fleet.getFleetStatus({})).nodesReady === this.agents.length, {
      what: `${this.agents.length} nodes to be ready`,
      timeoutMs: READY_MS_MAX,
      pollMs: 100,
    });
  }
}

async function joined(fleet: Fleet, names: readonly string[]): Promise<AgentSecurity[]> {
  const leader = await fleet.leader();
  const all = await joinNodes(leader.grpcAddress, fleet.identity, names);
  return all.map((credentials) => secured(fleet, credentials));
}

function secured(fleet: Fleet, credentials: Credentials): AgentSecurity {
  return {
    credentials: channelCredentials({ trust: fleet.identity.operator.trust, credentials }),
    options: channelSecurityOptions,
    metadata: new Metadata(),
  };
}
