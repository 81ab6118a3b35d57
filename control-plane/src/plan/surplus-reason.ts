import { isDraining } from '../model/drains.ts';
import type { AllocationRow, JobRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { leavingAllocations } from '../state/leaving-allocations.ts';
import { describeLacked, lackedCapabilities, suitsJob } from './capabilities.ts';
import { meetsAll } from './constraints.ts';

/** Why an allocation for which the job has no place any more is stopped. */
export function surplusReason(state: FleetState, job: JobRow, row: AllocationRow): string {
  if (job.stopped) return 'the job is stopped';
  if (job.spec.type !== 'system') return `the job is scaled down to ${job.spec.count}`;
  const node = state.nodes.get(row.nodeId);
  if (node !== undefined && isDraining(node)) return `node "${node.name}" is drained`;
  const [lacked] = lackedOnly(state, job, row);
  if (lacked !== undefined) return `version ${job.version} can't run on the node: ${describeLacked(lacked)}`;
  return `the node does not meet the constraints of version ${job.version}`;
}

/**
 * Whether an instance of a system job stays, in whatever version, on a node that is given nothing new. Of a drained node
 * they go last: what they do there (logs, metrics, networks) is of use to what is still going.
 */
export function keepsRunning(state: FleetState, job: JobRow, row: AllocationRow): boolean {
  const node = state.nodes.get(row.nodeId);
  if (job.stopped || job.spec.type !== 'system' || node === undefined || node.eligible) return false;
  if (!suitsJob(job.spec)(node.inventory)) return false;
  const { drain } = node;
  if (drain === undefined || drain.keepSystemJobs) return true;
  return leavingAllocations(state, node.id, drain).some(({ job: name }) => !state.systemJobs.has(name));
}

/**
 * Whether an instance of a system job in its newest version runs on although its node can no longer do all that the job
 * asks for. What it was started with holds until it ends, and to stop it would help nobody: as a rule it is the agent
 * that failed to find out what the node can. A drain takes it away all the same.
 */
export function staysWithLess(state: FleetState, job: JobRow, row: AllocationRow): boolean {
  if (job.stopped || job.spec.type !== 'system') return false;
  const drain = state.nodes.get(row.nodeId)?.drain;
  return (drain === undefined || drain.keepSystemJobs) && lackedOnly(state, job, row).length > 0;
}

/** What the allocation's node lacks, if that is all that speaks against it. */
function lackedOnly(state: FleetState, job: JobRow, row: AllocationRow) {
  const inventory = state.nodes.get(row.nodeId)?.inventory;
  if (inventory === undefined || !meetsAll(job.spec.constraints, inventory.attributes)) return [];
  return lackedCapabilities(job.spec, inventory);
}
