/**
 * What the fleet consists of, as the state machine stores it. Rows are immutable plain data (JSON): a changed row is a
 * new object. Times are wall-clock milliseconds since 1970, taken from the command that made the change, never read.
 * `modifyIndex` is the Raft index of the row's last change.
 */
import type { JobSpec } from '@cell/job';
import type { NodeDrain } from './drains.ts';

export type NodeStatus = 'ready' | 'lost';

export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly status: NodeStatus;
  readonly statusMessage: string;
  readonly statusChangedAtMs: number;
  readonly inventory: Inventory;
  readonly agentVersion: string;
  /** "host:port" of the agent's /metrics. */
  readonly httpAddress: string;
  readonly registeredAtMs: number;
  /** Whether new allocations may be placed on it. Never while `drain` is there. */
  readonly eligible: boolean;
  /** From when somebody asks for it to be emptied until he gives it back, also once it is empty. */
  readonly drain: NodeDrain | undefined;
  readonly modifyIndex: number;
}

export interface Inventory {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskFreeMib: number;
  /** Host name or address at which workloads' ports are reached. */
  readonly address: string;
  /** Ports that may be given out, both included. */
  readonly portFirst: number;
  readonly portLast: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly runtime: string;
  /** What jobs may ask of it, sorted, in the words of `Inventory.capabilities` in model.proto. */
  readonly capabilities: readonly string[];
}

/** Older versions of a job that allocations still run, or that people may want to see, are kept in `JobVersionRow`. */
export interface JobRow {
  readonly name: string;
  readonly version: number;
  readonly spec: JobSpec;
  /** What older versions did before the job was stopped and started again counts no more: this one began the run. */
  readonly runsFromVersion: number;
  readonly stopped: boolean;
  readonly submittedAtMs: number;
  /** What the planner could not place when it looked last; undefined if it placed all. */
  readonly unplaced: PlacementFailure | undefined;
  /** Changes when a person changes the job (submit, stop), not when it is planned. Plans are checked against it. */
  readonly modifyIndex: number;
}

export interface JobVersionRow {
  readonly job: string;
  readonly version: number;
  readonly spec: JobSpec;
}

export interface PlacementFailure {
  /** Instances that have no node for the newest version; some of them may still run an older one. */
  readonly count: number;
  readonly reasons: readonly RefusalReason[];
  /** The smallest change that would make one more instance fit; may be empty. */
  readonly hint: string;
}

export interface RefusalReason {
  readonly reason: string;
  /** Nodes ruled out by it; 0 if it is about the job and not about nodes. */
  readonly nodes: number;
}

export type DesiredState = 'run' | 'stop';

/** The last four are final: the allocation never runs again. */
export type AllocationState =
  | 'pending'
  | 'starting'
  | 'running'
  | 'healthy'
  | 'unhealthy'
  | 'complete'
  | 'failed'
  | 'stopped'
  | 'lost';

export interface AllocationRow {
  /** 26 characters, Crockford base 32, sortable by time of creation; made by the leader when it plans. */
  readonly id: string;
  readonly job: string;
  readonly jobVersion: number;
  /** Which of the job's instances it is, counted from 0. For system jobs always 0. */
  readonly instance: number;
  readonly nodeId: string;
  readonly desired: DesiredState;
  /** Why it is desired to stop; empty while it shall run. */
  readonly desiredReason: string;
  readonly state: AllocationState;
  readonly message: string;
  readonly ports: Readonly<Record<string, number>>;
  /** What it reserves on its node while it is not final. */
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly restarts: number;
  readonly exitCode: number | undefined;
  readonly placementReason: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly modifyIndex: number;
}

export interface EventRow {
  /** Raft index; several events may share one. */
  readonly index: number;
  readonly timeMs: number;
  /** A stable name in the past tense, such as "NodeLost". */
  readonly type: EventType;
  /**
   * "node/<name>", "job/<name>", "allocation/<id>", "drill/<id>", "control-plane/<id>", "token/<name>",
   * "authority/<id>" or "secret/<namespace>/<name>".
   */
  readonly subject: string;
  readonly message: string;
}

export type EventType =
  | 'NodeRegistered'
  | 'NodeReady'
  | 'NodeLost'
  | 'NodeDraining'
  | 'NodeDrained'
  | 'NodeUndrained'
  | 'NodeEligible'
  | 'NodeIneligible'
  | 'JobSubmitted'
  | 'JobStopped'
  | 'JobUnplaced'
  | 'AllocationPlaced'
  | 'AllocationStopping'
  | 'AllocationStarted'
  | 'AllocationHealthy'
  | 'AllocationUnhealthy'
  | 'AllocationRestarted'
  | 'AllocationCompleted'
  | 'AllocationFailed'
  | 'AllocationStopped'
  | 'AllocationLost'
  | 'LeaderElected'
  | 'DrillStarted'
  | 'ClusterFounded'
  | 'MemberInvited'
  | 'MemberAdmitted'
  | 'MemberPromoted'
  | 'MemberRemoved'
  | 'ClusterRecovered'
  | 'NodeJoined'
  | 'NodeRevoked'
  | 'TokenCreated'
  | 'TokenRevoked'
  | 'AuthorityRotated'
  | 'AuthorityRetired'
  | 'SecretSet'
  | 'SecretRemoved';

/** Marks that a drill wrote, as ordered ranges [first, last] that don't touch. */
export interface DrillRow {
  readonly id: string;
  readonly startedAtMs: number;
  readonly ranges: readonly (readonly [number, number])[];
}

const finalStates: ReadonlySet<AllocationState> = new Set(['complete', 'failed', 'stopped', 'lost']);

/** Whether an allocation has ended for good; then it reserves nothing. */
export function isFinal(allocation: AllocationRow): boolean {
  return finalStates.has(allocation.state);
}
