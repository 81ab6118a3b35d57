/** How much the replicated state holds at most. A command that would exceed one is refused, or leaves the rest out. */

export const NODES_MAX = 20_000;
export const JOBS_MAX = 10_000;
/** Ended ones included. */
export const ALLOCATIONS_MAX = 200_000;

/** Versions kept per job, the newest one included. Those that allocations still run are kept as well. */
export const JOB_VERSIONS_MAX = 10;

/**
 * Ended allocations kept per instance (or per node of a system job): the planner counts failures in a row on them, and
 * sees that a batch instance is complete. More than the most attempts that it makes, so that it gives up in the end.
 */
export const ENDED_PER_INSTANCE_MAX = 6;
/** Other ended allocations kept per job, for people: of instances that are no longer wanted, or of earlier runs. */
export const ENDED_HISTORY_PER_JOB_MAX = 20;
/** Ended allocations above the sum of both limits at which a job is trimmed between two garbage collections. */
export const ENDED_SLACK = 64;

/** Members that are not removed. More only make writes slower. */
export const MEMBERS_MAX = 9;
/** Removed members kept, so that their ids are never used again. */
export const MEMBER_ROWS_MAX = 10_000;
/** Recoveries from a lost quorum that are kept; the oldest go. */
export const RECOVERIES_MAX = 16;

export const EVENTS_MAX = 2_000;

/** Drills kept; the oldest go. */
export const DRILLS_MAX = 16;
/** Ranges of marks per drill. Marks that come in order make one. */
export const DRILL_RANGES_MAX = 10_000;

/** Bytes of one chunk of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MAX = 256 * 1024;
/** Bytes of one line of a snapshot; a longer one means damage. */
export const SNAPSHOT_LINE_BYTES_MAX = 16 * 1024 * 1024;
