import type { JobSpec } from '@cell/job';
import type { FleetState } from '../state/fleet-state.ts';
import { suitsJob } from './capabilities.ts';
import { NodeRoom } from './node-room.ts';

/** The rooms of all ready nodes, shared by all jobs of one plan so that they see each other's placements. */
export class FleetRooms {
  readonly #byNode = new Map<string, NodeRoom>();

  constructor(state: FleetState) {
    for (const node of state.nodes.values()) {
      if (node.status === 'ready') this.#byNode.set(node.id, new NodeRoom(node, state.usageOfNode(node.id)));
    }
  }

  ofNode(nodeId: string): NodeRoom | undefined {
    return this.#byNode.get(nodeId);
  }

  /** Rooms of the ready nodes that take allocations, meet all constraints and can do what is asked, full ones too. In no order. */
  eligible(spec: JobSpec): NodeRoom[] {
    const suits = suitsJob(spec);
    return [...this.#byNode.values()].filter(({ node }) => node.eligible && suits(node.inventory));
  }
}
