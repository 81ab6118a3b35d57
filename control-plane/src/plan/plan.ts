/** A plan is data: what should change, each with its reason. Carrying it out has no choices left. */
import type { PlacementFailure } from '../model/entities.ts';
import type { Placement } from '../state/commands.ts';

export interface Plan {
  readonly placements: readonly Placement[];
  readonly stops: readonly { readonly id: string; readonly reason: string }[];
  /** Only for jobs where it differs from what is stored. */
  readonly unplaced: readonly { readonly job: string; readonly failure: PlacementFailure | undefined }[];
  /** Jobs that the plan did not finish because of its size limit: plan them again next. */
  readonly unfinishedJobs: readonly string[];
}

/** The planner's only sources of chance and identity. */
export interface PlanInputs {
  /** Wall clock, for ids that sort by time. */
  readonly nowMs: number;
  /** The same state, jobs and seed give the same plan. Another one for each plan, or ids would meet. */
  readonly seed: number;
  /** Placements in one plan at most, and stops at most. */
  readonly placementsMax: number;
}
