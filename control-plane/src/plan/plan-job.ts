import { isFinal, type JobRow } from '../model/entities.ts';
import { type InstanceSlot, jobSlots } from './job-slots.ts';
import { planMoves } from './moves.ts';
import { NodeChooser } from './node-choice.ts';
import type { PlanDraft } from './plan-draft.ts';
import { chooseFor } from './replacement.ts';
import { planRollout } from './rollout.ts';
import { UnplacedReport } from './unplaced-report.ts';

/** One job: stops what nobody wants any more, places what is missing, moves what has to go, and goes on with a rollout. */
export function planJob(draft: PlanDraft, job: JobRow): void {
  const eligible = job.stopped ? [] : draft.rooms.eligible(job.spec);
  const { slots, surplus } = jobSlots(draft.state, job, eligible);
  for (const { row, reason } of surplus) {
    if (draft.full) {
      draft.unfinished(job.name);
      return;
    }
    draft.stop(row, reason);
  }
  const report = new UnplacedReport(draft, job);
  const chooser = new NodeChooser(job.spec, eligible, countByNode(slots));
  const placed = placeAbsent(draft, job, { slots, chooser, report });
  if (placed === undefined) {
    draft.unfinished(job.name);
    return;
  }
  for (const slot of slots) if (slot.standing === 'given-up') report.gaveUp(slot);
  const moved = planMoves(draft, job, { slots, chooser, placed });
  if (moved === undefined) {
    draft.unfinished(job.name);
    return;
  }
  if (!planRollout(draft, job, { slots, chooser, report, placed: placed + moved })) draft.unfinished(job.name);
  draft.setUnplaced(job, report.failure());
}

interface JobParts {
  readonly slots: readonly InstanceSlot[];
  readonly chooser: NodeChooser;
  readonly report: UnplacedReport;
}

/** Returns how many were placed; `undefined` if the plan became full. */
function placeAbsent(draft: PlanDraft, job: JobRow, { slots, chooser, report }: JobParts): number | undefined {
  let placed = 0;
  let nothingFits = false;
  for (const slot of slots) {
    if (slot.standing !== 'absent') continue;
    if (draft.fleetFull) {
      report.fleetFull();
      continue;
    }
    if (draft.full) return undefined;
    const choice = nothingFits ? undefined : chooseFor(slot, chooser);
    if (choice === undefined) {
      // The instances of a job all ask for the same: where one finds no node, none will.
      nothingFits = slot.nodeId === undefined;
      report.noNode(slot);
      continue;
    }
    draft.place(job, slot.instance, choice);
    chooser.taken(choice);
    placed += 1;
  }
  return placed;
}

/** Instances on each node, those that are ending left out. */
export function countByNode(slots: readonly InstanceSlot[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { active } of slots) {
    if (active === undefined || isFinal(active) || active.desired === 'stop') continue;
    counts.set(active.nodeId, (counts.get(active.nodeId) ?? 0) + 1);
  }
  return counts;
}
