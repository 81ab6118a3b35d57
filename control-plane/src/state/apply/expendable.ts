/** What the state may forget: shared by those who do it and by those who have it done. */
import { type AllocationRow, isFinal, type JobRow, type JobVersionRow } from '../../model/entities.ts';
import { instanceKey } from '../../model/instances.ts';
import type { FleetState } from '../fleet-state.ts';
import { ENDED_HISTORY_PER_JOB_MAX, ENDED_PER_INSTANCE_MAX, JOB_VERSIONS_MAX } from '../limits.ts';

/** Whether collecting garbage now would change anything. */
export function hasGarbage(state: FleetState): boolean {
  for (const job of state.jobs.values()) {
    if (expendableVersions(state, job.name).length > 0) return true;
    if (state.endedOfJob(job.name) <= ENDED_HISTORY_PER_JOB_MAX) continue;
    if (expendableEnded(state, job, state.allocationsOfJob(job.name)).length > ENDED_HISTORY_PER_JOB_MAX) return true;
  }
  return false;
}

/**
 * Ended ones among the job's allocations that only people may want, in the order given: all but the first few of each
 * wanted instance.
 */
export function expendableEnded(state: FleetState, job: JobRow, rows: Iterable<AllocationRow>): AllocationRow[] {
  const kept = new Map<number | string, number>();
  const expendable: AllocationRow[] = [];
  for (const row of rows) {
    if (!isFinal(row)) continue;
    if (!isWanted(state, job, row)) {
      expendable.push(row);
      continue;
    }
    const key = instanceKey(job.spec, row);
    const count = (kept.get(key) ?? 0) + 1;
    kept.set(key, count);
    if (count > ENDED_PER_INSTANCE_MAX) expendable.push(row);
  }
  return expendable;
}

function isWanted(state: FleetState, job: JobRow, row: AllocationRow): boolean {
  if (job.stopped || row.jobVersion < job.runsFromVersion) return false;
  return job.spec.type === 'system' ? state.nodes.has(row.nodeId) : row.instance < job.spec.count;
}

/** Versions beyond the limit, except those that agents or the planner must know. */
export function expendableVersions(state: FleetState, job: string): JobVersionRow[] {
  const versions = [...state.versionsOfJob(job)];
  if (versions.length <= JOB_VERSIONS_MAX) return [];
  const old = versions.sort((one, other) => other.version - one.version).slice(JOB_VERSIONS_MAX);
  const needed = new Set<number>();
  for (const row of state.allocationsOfJob(job))
    if (!isFinal(row) || row.state === 'complete') needed.add(row.jobVersion);
  return old.filter((row) => !needed.has(row.version));
}
