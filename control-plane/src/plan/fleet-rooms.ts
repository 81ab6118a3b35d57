import type { JobSpec } from '@cell/job';
import type { FleetState } from '../state/fleet-state.ts';
import { meetsAll } from './constraints.ts';
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

  /** Rooms of the ready nodes that meet all constraints, full ones too. In no order. */
  eligible(spec: JobSpec): NodeRoom[] {
    const rooms = [...this.#byNode.values()];
    if (spec.constraints.length === 0) return rooms;
    return rooms.filter(({ node }) => meetsAll(spec.constraints, node.inventory.attributes));
  }
}
