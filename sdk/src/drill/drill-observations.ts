/** What a failover drill saw, and what it demands. Plain data, so that the verdict can be tested without a fleet. */

export type DrillMode = 'crash' | 'transfer';

export interface DrillObservations {
  readonly drillId: string;
  readonly mode: DrillMode;
  readonly leaderBefore: number;
  /** Undefined: no other leader, and no later term, was seen in time. */
  readonly leaderAfter: number | undefined;
  /** From the order of the fault until a member named the new leader. */
  readonly newLeaderMs: number | undefined;
  readonly writes: WriteObservations;
  readonly workloads: WorkloadObservations;
  readonly agents: AgentObservations;
  /** From the fault until the crashed member answered again; undefined if it did not, or if none crashed. */
  readonly memberBackMs: number | undefined;
}

export interface WriteObservations {
  readonly acknowledged: number;
  /** Of these, before the fault. */
  readonly acknowledgedBefore: number;
  /** The longest time between two acknowledged writes that the fault could have caused; undefined: none came after. */
  readonly pauseMs: number | undefined;
  /** Acknowledged marks that the audit did not find; undefined if the audit could not be made. */
  readonly lost: readonly number[] | undefined;
  /** Why there was no audit; empty if there was. */
  readonly auditError: string;
}

export interface WorkloadObservations {
  /** Allocations that ran before the fault. */
  readonly ran: number;
  /** What happened to some of them, one sentence each; undefined if it could not be found out. */
  readonly disturbed: readonly string[] | undefined;
}

export interface AgentObservations {
  /** Sessions of agents with any member, before and after. */
  readonly before: number;
  readonly after: number;
}

export interface DrillLimits {
  readonly newLeaderMsMax: number;
  readonly pauseMsMax: number;
}

export interface DrillReport extends DrillObservations {
  readonly limits: DrillLimits;
  readonly passed: boolean;
  /** Why it failed, the worst first. */
  readonly reasons: readonly string[];
  /** What is worth knowing and is no failure. */
  readonly warnings: readonly string[];
}
