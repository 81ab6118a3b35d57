import { type Allocation, AllocationState, AllocationStateSchema } from '@cell/proto';
import { enumWord } from '../client/plain-message.ts';

type Compared = Pick<Allocation, 'id' | 'job' | 'instance' | 'nodeName' | 'state' | 'restarts' | 'message'>;

/** Its process runs. */
const RUNNING: ReadonlySet<AllocationState> = new Set([
  AllocationState.RUNNING,
  AllocationState.HEALTHY,
  AllocationState.UNHEALTHY,
]);

export function isRunning({ state }: Pick<Allocation, 'state'>): boolean {
  return RUNNING.has(state);
}

/**
 * What the fault did to the allocations that ran before it: a sentence for each that was restarted, ended without
 * success, is not healthy any more, or is gone. A batch instance that completed meanwhile did what it should.
 */
export function compareWorkloads(before: readonly Compared[], after: readonly Compared[]): string[] {
  const now = new Map(after.map((allocation) => [allocation.id, allocation]));
  return before.filter(isRunning).flatMap((earlier) => {
    const what = disturbance(earlier, now.get(earlier.id));
    if (what === undefined) return [];
    return [`Instance ${earlier.instance} of job "${earlier.job}" on node "${earlier.nodeName}" ${what}`];
  });
}

function disturbance(earlier: Compared, later: Compared | undefined): string | undefined {
  if (later === undefined) return 'is gone';
  const restarts = later.restarts - earlier.restarts;
  if (restarts > 0) return restarts === 1 ? 'was restarted' : `was restarted ${restarts} times`;
  if (later.state === AllocationState.COMPLETE) return undefined;
  const worse = earlier.state === AllocationState.HEALTHY && later.state === AllocationState.UNHEALTHY;
  if (isRunning(later) && !worse) return undefined;
  const why = later.message === '' ? '' : `: ${later.message}`;
  return `is ${enumWord(AllocationStateSchema, later.state)} now${why}`;
}
