import type { FleetState } from '../fleet-state.ts';

/** Whether the node's identity was ended. */
export function isRevoked(state: Pick<FleetState, 'nodeIdentities'>, nodeId: string): boolean {
  return state.nodeIdentities.get(nodeId)?.revokedAtMs !== undefined;
}
