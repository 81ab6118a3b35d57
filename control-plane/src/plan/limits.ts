import type { JobType } from '@cell/job';

/**
 * How often an instance of one job version may fail in a row until the planner gives up on it. Each of these times its
 * agent had already restarted it as its policy allows. Less than ENDED_PER_INSTANCE_MAX, or it would never be seen.
 */
export const ATTEMPTS_MAX: { readonly [Type in JobType]: number } = { service: 5, system: 5, batch: 4 };

/** An allocation that lived this long begins a new row of failures when it fails. */
export const FAILURE_STREAK_LIFE_MS = 10 * 60_000;

/** Share of a job's instances that a rollout replaces at the same time, at least one. */
export const ROLLOUT_SHARE = 0.1;

/** Instances for which a rollout tries whether the new version would fit in place of the old one, in one plan. */
export const ROLLOUT_TRIES_MAX = 32;

/** Reasons told for a job that can't be placed. */
export const REASONS_MAX = 10;

/** Problems of one kind told in the fleet's status. */
export const PROBLEMS_PER_KIND_MAX = 20;
