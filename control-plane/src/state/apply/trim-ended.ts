import { isFinal, type JobRow } from '../../model/entities.ts';
import { isNewer } from '../../model/instances.ts';
import { ENDED_HISTORY_PER_JOB_MAX, ENDED_PER_INSTANCE_MAX, ENDED_SLACK } from '../limits.ts';
import type { Application } from './application.ts';
import { expendableEnded } from './expendable.ts';

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
  const newestFirst = [...tables.allocationsOfJob(name)].filter(isFinal);
  newestFirst.sort((one, other) => (isNewer(one, other) ? -1 : 1));
  const removed = expendableEnded(tables, job, newestFirst).slice(ENDED_HISTORY_PER_JOB_MAX);
  for (const row of removed) application.removeAllocation(row);
  return removed.length;
}

function dueAbove(application: Application, job: JobRow): number {
  const instances = job.spec.type === 'system' ? application.tables.nodes.size : job.spec.count;
  const wanted = job.stopped ? 0 : instances;
  return wanted * ENDED_PER_INSTANCE_MAX + ENDED_HISTORY_PER_JOB_MAX + ENDED_SLACK;
}
