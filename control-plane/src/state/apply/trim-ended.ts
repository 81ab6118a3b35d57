import { type AllocationRow, isFinal, type JobRow } from '../../model/entities.ts';
import { instanceKey, isNewer } from '../../model/instances.ts';
import { ENDED_HISTORY_PER_JOB_MAX, ENDED_PER_INSTANCE_MAX, ENDED_SLACK } from '../limits.ts';
import type { Application } from './application.ts';

/**
 * Forgets ended allocations of a job beyond the limits. What the planner decides on stays: the newest of each wanted
 * instance, among them the one that completed a batch instance. 'when-due' waits until a number have come together.
 */
export function trimEnded(application: Application, name: string, when: 'when-due' | 'now'): number {
  const { tables } = application;
  const job = tables.jobs.get(name);
  if (job === undefined) return 0;
  const ended = tables.endedOfJob(name);
  if (ended <= ENDED_HISTORY_PER_JOB_MAX) return 0;
  if (when === 'when-due' && ended <= dueAbove(application, job)) return 0;
  const rows = [...tables.allocationsOfJob(name)].filter(isFinal);
  rows.sort((one, other) => (isNewer(one, other) ? -1 : 1));
  const removed = expendable(application, job, rows).slice(ENDED_HISTORY_PER_JOB_MAX);
  for (const row of removed) application.removeAllocation(row);
  return removed.length;
}

function dueAbove(application: Application, job: JobRow): number {
  const instances = job.spec.type === 'system' ? application.tables.nodes.size : job.spec.count;
  const wanted = job.stopped ? 0 : instances;
  return wanted * ENDED_PER_INSTANCE_MAX + ENDED_HISTORY_PER_JOB_MAX + ENDED_SLACK;
}

/** `rows` come newest first, and so does what is returned. */
function expendable(application: Application, job: JobRow, rows: readonly AllocationRow[]): AllocationRow[] {
  const kept = new Map<number | string, number>();
  return rows.filter((row) => {
    if (!isWanted(application, job, row)) return true;
    const key = instanceKey(job.spec, row);
    const count = (kept.get(key) ?? 0) + 1;
    kept.set(key, count);
    return count > ENDED_PER_INSTANCE_MAX;
  });
}

function isWanted(application: Application, job: JobRow, row: AllocationRow): boolean {
  if (job.stopped || row.jobVersion < job.runsFromVersion) return false;
  return job.spec.type === 'system' ? application.tables.nodes.has(row.nodeId) : row.instance < job.spec.count;
}
