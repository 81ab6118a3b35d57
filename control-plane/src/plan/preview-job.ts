import type { JobSpec } from '@cell/job';
import type { JobRow, PlacementFailure } from '../model/entities.ts';
import { nextJob } from '../state/apply/next-job.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { type InstanceSlot, jobSlots } from './job-slots.ts';
import { type NodeChoice, NodeChooser } from './node-choice.ts';
import type { PlanInputs } from './plan.ts';
import { PlanDraft } from './plan-draft.ts';
import { countByNode } from './plan-job.ts';
import { chooseFor } from './replacement.ts';
import { stateWithJob } from './state-with-job.ts';
import { UnplacedReport } from './unplaced-report.ts';

export interface PlannedAction {
  readonly kind: 'place' | 'replace' | 'stop' | 'keep';
  readonly instance: number;
  /** Where it will be, or is if it stays or stops; empty if it finds no node. */
  readonly nodeName: string;
  readonly reason: string;
  /** The allocation that is stopped, replaced or kept; empty for a new one. */
  readonly allocationId: string;
}

export interface JobPreview {
  /** The version that it would become; the one that it has if nothing would change. */
  readonly version: number;
  /** Submitting would change nothing. */
  readonly unchanged: boolean;
  /** Ordered by instance; those that stop come last. */
  readonly actions: readonly PlannedAction[];
  readonly unplaced: PlacementFailure | undefined;
}

/**
 * What submitting a specification would do in the end, once a rollout is through. The real placements are made later,
 * on a newer state: names of nodes hold as long as nothing else changes, and are no promise.
 */
export function previewJob(state: FleetState, spec: JobSpec, inputs: PlanInputs): JobPreview {
  const next = nextJob(state, spec);
  const before = state.jobs.get(spec.name);
  const job: JobRow = {
    name: next.spec.name,
    version: next.version,
    spec: next.spec,
    runsFromVersion: next.runsFromVersion,
    stopped: false,
    submittedAtMs: inputs.nowMs,
    unplaced: before?.unplaced,
    modifyIndex: before?.modifyIndex ?? 0,
  };
  const draft = new PlanDraft(stateWithJob(state, job), inputs);
  const eligible = draft.rooms.eligible(job.spec);
  const { slots, surplus } = jobSlots(draft.state, job, eligible);
  const chooser = new NodeChooser(job.spec, eligible, countByNode(slots));
  const report = new UnplacedReport(draft, job);
  const parts = { draft, job, chooser, report };
  const actions: PlannedAction[] = slots.map((slot) => actionFor(slot, parts));
  for (const { row, reason } of surplus) {
    const nodeName = nameOf(state, row.nodeId);
    actions.push({ kind: 'stop', instance: row.instance, nodeName, reason, allocationId: row.id });
  }
  return { version: next.version, unchanged: next.unchanged, actions, unplaced: report.failure() };
}

interface PreviewParts {
  readonly draft: PlanDraft;
  readonly job: JobRow;
  readonly chooser: NodeChooser;
  readonly report: UnplacedReport;
}

function actionFor(slot: InstanceSlot, parts: PreviewParts): PlannedAction {
  const { instance, standing, newest } = slot;
  const allocationId = newest?.id ?? '';
  const nodeName = newest === undefined ? '' : nameOf(parts.draft.state, newest.nodeId);
  switch (standing) {
    case 'current':
      return {
        kind: 'keep',
        instance,
        nodeName,
        reason: slot.leaving ? 'its node is drained: it moves' : `it is ${newest?.state ?? ''} and needs no restart`,
        allocationId,
      };
    case 'complete':
      return { kind: 'keep', instance, nodeName, reason: 'it is complete', allocationId };
    case 'outdated':
      return replace(slot, parts);
    case 'given-up':
      parts.report.gaveUp(slot);
      return { kind: 'keep', instance, nodeName: '', reason: 'it failed too often', allocationId };
    case 'ending':
    case 'absent': {
      const choice = take(slot, parts);
      if (choice === undefined) parts.report.noNode(slot);
      const reason = choice?.reason ?? 'no node fits';
      const waits = standing === 'ending' ? 'once the present one has ended: ' : '';
      return {
        kind: 'place',
        instance,
        nodeName: choice?.room.node.name ?? '',
        reason: waits + reason,
        allocationId: '',
      };
    }
  }
}

function replace(slot: InstanceSlot, parts: PreviewParts): PlannedAction {
  const { instance, active } = slot;
  const older = active === undefined ? '' : ` replaces version ${active.jobVersion}`;
  const about = `version ${parts.job.version}${older}`;
  const room = active === undefined ? undefined : parts.draft.rooms.ofNode(active.nodeId);
  if (active !== undefined) {
    room?.release(active);
    parts.chooser.left(active.nodeId);
  }
  const choice = take(slot, parts);
  if (choice === undefined) {
    if (active !== undefined) room?.restore(active);
    parts.report.noNode(slot);
    return {
      kind: 'replace',
      instance,
      nodeName: '',
      reason: `${about}, but no node fits`,
      allocationId: active?.id ?? '',
    };
  }
  const nodeName = choice.room.node.name;
  return { kind: 'replace', instance, nodeName, reason: `${about}; ${choice.reason}`, allocationId: active?.id ?? '' };
}

/** Chooses a node and takes the room there, so that the next instance sees it. */
function take(slot: InstanceSlot, { draft, job, chooser }: PreviewParts): NodeChoice | undefined {
  const choice = chooseFor(slot, chooser);
  if (choice === undefined) return undefined;
  draft.place(job, slot.instance, choice);
  chooser.taken(choice);
  return choice;
}

function nameOf(state: FleetState, nodeId: string): string {
  return state.nodes.get(nodeId)?.name ?? '';
}
