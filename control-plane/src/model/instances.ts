import type { JobSpec } from '@cell/job';
import { type AllocationRow, isFinal } from './entities.ts';

/** Which allocations stand for the same thing: of system jobs those on a node, of others those of an instance. */
export function instanceKey(
  spec: Pick<JobSpec, 'type'>,
  row: Pick<AllocationRow, 'instance' | 'nodeId'>,
): number | string {
  return spec.type === 'system' ? row.nodeId : row.instance;
}

/**
 * Of two allocations of one instance, whether `one` came later. At most one is not final; the others ended one after
 * the other. Ids don't tell: they come from the clocks of different leaders.
 */
export function isNewer(one: AllocationRow, other: AllocationRow): boolean {
  if (isFinal(one) !== isFinal(other)) return isFinal(other);
  if (one.modifyIndex !== other.modifyIndex) return one.modifyIndex > other.modifyIndex;
  return one.id > other.id;
}

/** Whether an allocation does what is wanted of it. Without a health check, agents call healthy what has run for long enough. */
export function isUp(allocation: AllocationRow): boolean {
  return allocation.state === 'healthy';
}
