import type { JobRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { suitsJob } from './capabilities.ts';
import { type InstanceSlot, jobSlots } from './job-slots.ts';
import { NodeRoom } from './node-room.ts';

export type JobStatus = 'pending' | 'running' | 'degraded' | 'complete' | 'failed' | 'stopped';

/** Instances by what became of their newest allocation. */
export interface AllocationCounts {
  /** Instances wanted now; for system jobs the nodes that should have one. */
  readonly desired: number;
  readonly starting: number;
  /** Running; of these `healthy` are healthy. */
  readonly running: number;
  readonly healthy: number;
  readonly complete: number;
  /** Ended without success, with none in its place yet. */
  readonly failed: number;
  /** Ended with its node, with none in its place yet. */
  readonly lost: number;
}

export interface JobSummary {
  readonly status: JobStatus;
  readonly counts: AllocationCounts;
  /** Wanted instances; for a stopped job those that have not ended. */
  readonly slots: readonly InstanceSlot[];
}

/** Where a job stands, for people. */
export function jobSummary(state: FleetState, job: JobRow): JobSummary {
  const { slots, surplus } = jobSlots(state, job, eligibleRooms(state, job));
  const rows = [...slots.map(({ newest }) => newest), ...surplus.map(({ row }) => row)];
  const count = (...states: readonly string[]) => rows.filter((row) => states.includes(row?.state ?? '')).length;
  const counts: AllocationCounts = {
    desired: slots.length,
    starting: count('pending', 'starting'),
    running: count('running', 'healthy', 'unhealthy'),
    healthy: count('healthy'),
    complete: count('complete'),
    failed: count('failed'),
    lost: count('lost'),
  };
  return { status: statusOf(job, slots), counts, slots };
}

function statusOf(job: JobRow, slots: readonly InstanceSlot[]): JobStatus {
  if (job.stopped) return 'stopped';
  const gaveUp = slots.some(({ standing }) => standing === 'given-up');
  if (gaveUp) return job.spec.type === 'batch' ? 'failed' : 'degraded';
  if (job.unplaced !== undefined || slots.some(({ active }) => active?.state === 'unhealthy')) return 'degraded';
  if (slots.length === 0) return 'pending';
  if (slots.every(({ standing }) => standing === 'complete')) return 'complete';
  const done = slots.every(({ standing, up }) => standing === 'complete' || (standing === 'current' && up));
  return done ? 'running' : 'pending';
}

/** Only system jobs ask which nodes they are for. */
function eligibleRooms(state: FleetState, job: JobRow): NodeRoom[] {
  if (job.stopped || job.spec.type !== 'system') return [];
  const suits = suitsJob(job.spec);
  const nodes = [...state.nodes.values()].filter(
    (node) => node.status === 'ready' && node.eligible && suits(node.inventory),
  );
  return nodes.map((node) => new NodeRoom(node, state.usageOfNode(node.id)));
}
