/** Emptying a node, as the state machine stores it. */
import type { JobSpec } from '@cell/job';

export interface NodeDrain {
  readonly startedAtMs: number;
  /** Raft index of the command that set it as it is: what was counted for an earlier deadline is told apart by it. */
  readonly setIndex: number;
  /**
   * Milliseconds until what is left is stopped, as they were counted last; 0: that is now; undefined: never. A length
   * and not a point of time: leaders count it on their monotonic clocks, and nobody's wall clock can make it end early.
   */
  readonly remainingMs: number | undefined;
  /** When that was counted; only for people. */
  readonly countedAtMs: number;
  /** Allocations of system jobs stay. */
  readonly keepSystemJobs: boolean;
  /** When nothing was left that has to go; undefined while it goes on. */
  readonly finishedAtMs: number | undefined;
}

/** Whether something on the node still has to go. */
export function isDraining(node: { readonly drain: NodeDrain | undefined } | undefined): boolean {
  return node?.drain !== undefined && node.drain.finishedAtMs === undefined;
}

/** Whether an allocation of such a job has to go off a node that is drained like this. */
export function hasToGo({ keepSystemJobs }: NodeDrain, type: JobSpec['type']): boolean {
  return type !== 'system' || !keepSystemJobs;
}

/** Whether what is left has to go now. */
export function isOverdue(drain: NodeDrain | undefined): boolean {
  return drain?.remainingMs === 0;
}
