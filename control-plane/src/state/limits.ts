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

/** Tokens that are not revoked, expired ones included until they are collected. */
export const TOKENS_MAX = 10_000;
/** How long a token that has expired is still shown. */
export const TOKEN_KEPT_MS = (90 + 30 + 1) * 24 * 60 * 60 * 1000;
/** Identities of nodes, revoked ones included: those stay for ever. Without them it is as many as there are nodes. */
export const NODE_IDENTITIES_MAX = 2 * NODES_MAX;
/**
 * How long the identity of a node that is gone is kept after its newest certificate has ended: until no certificate of it
 * can be used or renewed any more, by whatever settings. It can be renewed for 90 days after its end at most; one from
 * before the newest may end 30 days after that, if the setting for their lifetime was changed; and clocks differ.
 */
export const NODE_IDENTITY_KEPT_MS = (90 + 30 + 1) * 24 * 60 * 60 * 1000;
/** Authorities at a time: the one that issues, and those that are still trusted. */
export const AUTHORITIES_MAX = 4;

export const SECRETS_MAX = 10_000;
/** Bytes of one secret. */
export const SECRET_BYTES_MAX = 64 * 1024;
/** Characters of all sealed secrets together, which are in base64url. */
export const SEALED_SIZE_MAX = 64 * 1024 * 1024;

/** Entries of the audit log; the oldest go. */
export const AUDIT_MAX = 10_000;
/** Characters of what an entry says who, what and from where; the rest is cut off, since callers choose some of it. */
export const AUDIT_TEXT_MAX = 256;
/** Entries that one command may bring. */
export const AUDIT_NOTES_MAX = 1_000;
