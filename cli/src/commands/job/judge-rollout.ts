import { AllocationState, DesiredState, type GetJobResponse, type Job, JobStatus, JobType } from '@cell/sdk';
import { instancesText } from './job-table.ts';

export type Rollout =
  | { readonly state: 'waiting'; readonly text: string }
  /** `text`: what stands now, a clause for a person. */
  | { readonly state: 'done' | 'unplaced' | 'failed' | 'superseded'; readonly text: string };

/** Where the rollout of one version stands, by what the control plane says of the job now. Pure. */
export function judgeRollout(response: GetJobResponse, version: bigint): Rollout {
  const { job } = response;
  if (job?.counts === undefined) return { state: 'waiting', text: 'not known yet' };
  const text = instancesText(job);
  if (job.version > version) return { state: 'superseded', text: `version ${job.version} was submitted meanwhile` };
  if (job.status === JobStatus.STOPPED) return { state: 'superseded', text: 'the job was stopped meanwhile' };
  if (job.version < version) return { state: 'waiting', text };
  if (job.status === JobStatus.COMPLETE) return { state: 'done', text };
  if (job.status === JobStatus.FAILED) return { state: 'failed', text: failureText(response, text) };
  if (job.spec?.type !== JobType.BATCH && isServing(response, job)) return { state: 'done', text };
  // As long as something moves, places may get free, and what starts may still get healthy.
  if (isMoving(response, job)) return { state: 'waiting', text };
  if ((job.unplaced?.count ?? 0) > 0) return { state: 'unplaced', text };
  if (job.counts.failed > 0 && job.status === JobStatus.DEGRADED) {
    return { state: 'failed', text: failureText(response, text) };
  }
  return { state: 'waiting', text };
}

/** Every instance is in place by the fleet's own judgement, and each of them healthy. */
function isServing({ allocations }: GetJobResponse, { status, counts, unplaced }: Job): boolean {
  if (status !== JobStatus.RUNNING || counts === undefined || (unplaced?.count ?? 0) > 0) return false;
  const wanted = allocations.filter((allocation) => isActive(allocation) && allocation.desired !== DesiredState.STOP);
  const healthy = wanted.filter(({ state }) => state === AllocationState.HEALTHY).length;
  return counts.desired > 0 && healthy === wanted.length && healthy >= counts.desired;
}

function isMoving({ allocations }: GetJobResponse, job: Job): boolean {
  if (allocations.some(({ state }) => state === AllocationState.PENDING || state === AllocationState.STARTING))
    return true;
  const batch = job.spec?.type === JobType.BATCH;
  const runs = (state: AllocationState) =>
    state === AllocationState.RUNNING || (batch && state === AllocationState.HEALTHY);
  return allocations.some(({ state }) => runs(state) || state === AllocationState.UNHEALTHY);
}

function isActive({ state }: { readonly state: AllocationState }): boolean {
  return (
    state === AllocationState.PENDING ||
    state === AllocationState.STARTING ||
    state === AllocationState.RUNNING ||
    state === AllocationState.HEALTHY ||
    state === AllocationState.UNHEALTHY
  );
}

/** The counts, and the first failed instance with what to look at. */
function failureText({ allocations }: GetJobResponse, text: string): string {
  const failed = allocations.findLast(({ state }) => state === AllocationState.FAILED);
  if (failed === undefined) return text;
  const why = failed.message === '' ? 'failed' : `failed: ${failed.message}`;
  return `${text}; instance ${failed.instance} ${why}; "cellctl allocation logs ${failed.id}" shows its output`;
}
