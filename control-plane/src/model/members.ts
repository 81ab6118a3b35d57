/** Who belongs to the control plane, as the state machine stores it. Rows are immutable plain data, as in entities.ts. */

/**
 * invited: it may come; its random name is not known yet. member: it has come, or is one of the founders. removed: it is
 * out for ever, and its row stays, so that its id can't be used again.
 *
 * Whether a member votes is not said here but by Raft's configuration.
 */
export type MemberRowStatus = 'invited' | 'member' | 'removed';

export interface MemberRow {
  /** Raft id: from 1. */
  readonly id: number;
  /** "host:port" for agents and people. Like the other addresses empty once it is removed, so that others may have it. */
  readonly grpc: string;
  /** "host:port" for peers. */
  readonly peers: string;
  /** "host:port" for /metrics. */
  readonly http: string;
  /** The random name of its data folder; empty until it came. */
  readonly incarnation: string;
  readonly status: MemberRowStatus;
  /** When the status changed last. */
  readonly changedAtMs: number;
  readonly modifyIndex: number;
}

/** The cluster went on with one survivor after it had lost its quorum. */
export interface RecoveryRow {
  /** Id of the cluster since then. */
  readonly clusterId: string;
  /** Id that it had before. */
  readonly formerClusterId: string;
  /** Raft id of the member that it went on with. */
  readonly survivor: number;
  /** Raft ids of those that were dropped, in order. */
  readonly dropped: readonly number[];
  readonly timeMs: number;
  readonly index: number;
}

/** Those that are not removed, by id. */
export function presentMembers(members: ReadonlyMap<number, MemberRow>): MemberRow[] {
  return [...members.values()].filter(({ status }) => status !== 'removed').sort((one, other) => one.id - other.id);
}
