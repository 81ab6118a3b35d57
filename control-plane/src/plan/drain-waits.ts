import { type AllocationRow, isFinal, type JobRow, type NodeRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { leavingAllocations } from '../state/leaving-allocations.ts';
import { jobSlots } from './job-slots.ts';
import { carryOut, judgeMoves } from './moves.ts';
import { NodeChooser } from './node-choice.ts';
import { PlanDraft } from './plan-draft.ts';
import { countByNode } from './plan-job.ts';

/** What an allocation that has to go off a drained node waits for. */
export interface DrainWait {
  readonly row: AllocationRow;
  /** Goes on after the instance's name, such as "finds no room elsewhere: memory: …". */
  readonly reason: string;
  /** It waits for something that may never come, so that only the deadline would end it. */
  readonly stuck: boolean;
}

/**
 * What is left on a drained node, and why: the planner's own judgement of each, on the state as it is. Ordered by job
 * and instance; empty once the node is drained, and for one that is not.
 */
export function drainWaits(state: FleetState, node: NodeRow): DrainWait[] {
  if (!state.drainingNodes.has(node.id) || node.drain === undefined) return [];
  const rows = leavingAllocations(state, node.id, node.drain);
  const told = new Map<string, DrainWait>();
  for (const name of new Set(rows.map(({ job }) => job))) {
    const job = state.jobs.get(name);
    if (job !== undefined && job.spec.type !== 'system') judgeJob(state, job, told);
  }
  const waits = rows.map((row) => told.get(row.id) ?? { row, reason: reasonOf(state, row), stuck: false });
  return waits.sort((one, other) => compareRows(one.row, other.row));
}

function judgeJob(state: FleetState, job: JobRow, told: Map<string, DrainWait>): void {
  // Nothing is written, so that neither time nor chance matters.
  const draft = new PlanDraft(state, { nowMs: 0, seed: 0, placementsMax: Number.POSITIVE_INFINITY });
  const eligible = draft.rooms.eligible(job.spec);
  const { slots } = jobSlots(state, job, eligible);
  const chooser = new NodeChooser(job.spec, eligible, countByNode(slots));
  for (const move of judgeMoves(draft, job, { slots, chooser, placed: 0 })) {
    const { active: row } = move.slot;
    if (move.kind !== 'wait') carryOut(draft, job, chooser, move);
    if (row === undefined || row.desired === 'stop') continue;
    if (move.kind === 'wait') told.set(row.id, { row, reason: move.reason, stuck: move.stuck });
    else told.set(row.id, { row, reason: 'is about to go', stuck: false });
  }
}

/** Of one that no move is about. */
function reasonOf(state: FleetState, row: AllocationRow): string {
  if (row.desired === 'stop') return 'is stopping';
  if (!state.systemJobs.has(row.job)) return 'is about to go';
  const others = [...state.allocationsOnNode(row.nodeId)].some(
    (other) => !isFinal(other) && !state.systemJobs.has(other.job),
  );
  return others ? 'goes last, once the others have gone' : 'is about to go';
}

function compareRows(one: AllocationRow, other: AllocationRow): number {
  if (one.job !== other.job) return one.job < other.job ? -1 : 1;
  return one.instance - other.instance || (one.id < other.id ? -1 : 1);
}
