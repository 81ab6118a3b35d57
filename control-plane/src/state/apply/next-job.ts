import type { JobSpec } from '@cell/job';
import type { AllocationRow, JobRow } from '../../model/entities.ts';
import { instanceKey, isNewer } from '../../model/instances.ts';
import type { FleetState } from '../fleet-state.ts';
import { canonicalSpec, sameSpec } from '../format/spec-shape.ts';

/** What submitting a specification makes of a job, before times and indexes are known. */
export interface NextJob {
  /** The job is as submitted already: nothing changes. */
  readonly unchanged: boolean;
  readonly version: number;
  readonly spec: JobSpec;
  readonly runsFromVersion: number;
}

/**
 * A changed specification is a new version. So is an unchanged one if the job was stopped (it runs again from nothing)
 * or if the planner may have given up on an instance (it gets a fresh set of attempts; the others run on).
 */
export function nextJob(state: FleetState, submitted: JobSpec): NextJob {
  const spec = canonicalSpec(submitted);
  const job = state.jobs.get(spec.name);
  if (job === undefined) return { unchanged: false, version: 1, spec, runsFromVersion: 1 };
  if (!job.stopped && sameSpec(job.spec, spec) && !endedInFailure(state, job)) {
    return { unchanged: true, version: job.version, spec: job.spec, runsFromVersion: job.runsFromVersion };
  }
  const version = job.version + 1;
  return { unchanged: false, version, spec, runsFromVersion: job.stopped ? version : job.runsFromVersion };
}

/** Whether the newest version has an instance whose last allocation failed, with none in its place. */
function endedInFailure(state: FleetState, job: JobRow): boolean {
  const newest = new Map<number | string, AllocationRow>();
  for (const row of state.allocationsOfJob(job.name)) {
    if (row.jobVersion < job.runsFromVersion) continue;
    const key = instanceKey(job.spec, row);
    const other = newest.get(key);
    if (other === undefined || isNewer(row, other)) newest.set(key, row);
  }
  return newest.values().some((row) => row.state === 'failed' && row.jobVersion === job.version);
}
