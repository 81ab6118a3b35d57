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

/** Entries that a voter may be behind the leader before it is told as a problem: a good deal more than a busy moment. */
export const LAG_ENTRIES_MAX = 10_000;

/** Time after which a new member that has not come, or has no vote, is told as a problem. */
export const LEARNER_MS_MAX = 10 * 60_000;

/** Bytes that should be free on a member's disk: room for some segments of the log, and for a snapshot beside the last. */
export const DISK_FREE_BYTES_MIN = 512 * 1024 * 1024;
