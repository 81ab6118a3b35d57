import { hasToGo, type NodeDrain } from '../model/drains.ts';
import { type AllocationRow, isFinal } from '../model/entities.ts';
import type { FleetState } from './fleet-state.ts';

/** Allocations on a drained node that have not ended, but for those that may stay. In no order. */
export function leavingAllocations(state: FleetState, nodeId: string, drain: NodeDrain): AllocationRow[] {
  const leaving: AllocationRow[] = [];
  for (const row of state.allocationsOnNode(nodeId)) {
    if (!isFinal(row) && hasToGo(drain, state.jobs.get(row.job)?.spec.type ?? 'service')) leaving.push(row);
  }
  return leaving;
}
