import type { JobRow } from '../model/entities.ts';
import type { InstanceSlot } from './job-slots.ts';
import { ROLLOUT_SHARE, ROLLOUT_TRIES_MAX } from './limits.ts';
import type { NodeChooser } from './node-choice.ts';
import type { PlanDraft } from './plan-draft.ts';
import { choiceInPlaceOf } from './replacement.ts';
import type { UnplacedReport } from './unplaced-report.ts';

interface RolloutParts {
  readonly slots: readonly InstanceSlot[];
  readonly chooser: NodeChooser;
  readonly report: UnplacedReport;
  /** Instances that this plan has placed already. */
  readonly placed: number;
}

/**
 * Stops instances of older versions; once they have ended, they are absent and are placed in the newest version. A few
 * at a time, and no more until these are up. A version that fails, or that would find no node, stops the rollout: the
 * instances of the old one run on. Batch jobs have nobody who waits for them: all at once. Returns false if the plan
 * became full.
 */
export function planRollout(draft: PlanDraft, job: JobRow, { slots, chooser, report, placed }: RolloutParts): boolean {
  // What leaves a drained node is replaced by the newest version as it goes; but nobody waits for batch jobs.
  const isHere = ({ leaving, replacement }: InstanceSlot) => !leaving && replacement === undefined;
  const isBatch = job.spec.type === 'batch';
  const outdated = slots.filter((slot) => slot.standing === 'outdated' && (isBatch || isHere(slot)));
  if (outdated.length === 0) return true;
  if (isBatch) return stopAll(draft, job, outdated);
  if (slots.some(({ standing }) => standing === 'given-up')) {
    report.rolloutStopped(outdated.length);
    return true;
  }
  // First what does not work anyway.
  outdated.sort((one, other) => Number(one.up) - Number(other.up));
  let allowed = rolloutShare(slots) - placed - underWay(slots);
  let tries = 0;
  for (const slot of outdated) {
    if (allowed <= 0 || tries >= ROLLOUT_TRIES_MAX) return true;
    if (draft.full) return false;
    tries += 1;
    if (choiceInPlaceOf(slot, chooser, draft.rooms) === undefined) {
      report.noPlaceFor(slot);
    } else {
      stopOutdated(draft, job, slot);
      allowed -= 1;
    }
  }
  return true;
}

/** How many instances may be replaced at the same time. */
export function rolloutShare(slots: readonly InstanceSlot[]): number {
  return Math.max(1, Math.floor(slots.length * ROLLOUT_SHARE));
}

/** Instances that are being replaced: the old one is ending, or the new one is not up yet. */
export function underWay(slots: readonly InstanceSlot[]): number {
  const isUnderWay = ({ standing, up, replacement }: InstanceSlot) =>
    standing === 'ending' || (standing === 'current' && !up) || replacement !== undefined;
  return slots.filter(isUnderWay).length;
}

function stopAll(draft: PlanDraft, job: JobRow, outdated: readonly InstanceSlot[]): boolean {
  for (const slot of outdated) {
    if (draft.full) return false;
    stopOutdated(draft, job, slot);
  }
  return true;
}

function stopOutdated(draft: PlanDraft, job: JobRow, { active }: InstanceSlot): void {
  if (active !== undefined) draft.stop(active, `version ${job.version} replaces version ${active.jobVersion}`);
}
