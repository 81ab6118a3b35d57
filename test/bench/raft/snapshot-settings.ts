/** Entries between two snapshots: so few that one is nearly always being taken under load. */
export const SNAPSHOT_EVERY = 2_000;
