/**
 * The tables, with the indexes that planning and serving need. Only `apply` changes them (and `restore`, which replaces
 * them). Readers get this read-only view; rows are immutable, so a reader may keep a row for as long as it likes.
 */
import type { AllocationRow, DrillRow, EventRow, JobRow, JobVersionRow, NodeRow } from '../model/entities.ts';
import type { AuditRow, AuthorityRow, NodeIdentityRow, SecretRow, TokenRow } from '../model/identity.ts';
import type { MemberRow, RecoveryRow } from '../model/members.ts';

export interface FleetState {
  /** Raft index of the last applied command. */
  readonly index: number;
  readonly nodes: ReadonlyMap<string, NodeRow>;
  readonly jobs: ReadonlyMap<string, JobRow>;
  readonly allocations: ReadonlyMap<string, AllocationRow>;
  readonly drills: ReadonlyMap<string, DrillRow>;
  /** By Raft id, removed ones included. Empty until the first leader has written the founders. */
  readonly members: ReadonlyMap<number, MemberRow>;
  /** The newest last; bounded. */
  readonly recoveries: readonly RecoveryRow[];
  /** The newest last; bounded. */
  readonly events: readonly EventRow[];
  /** By id. */
  readonly tokens: ReadonlyMap<string, TokenRow>;
  /** By node id, revoked ones included. */
  readonly nodeIdentities: ReadonlyMap<string, NodeIdentityRow>;
  /** The newest last: that is the one that issues. Empty until the first leader has written it. */
  readonly authorities: readonly AuthorityRow[];
  /** By `secretKey`. */
  readonly secrets: ReadonlyMap<string, SecretRow>;
  /** The newest last; bounded. */
  readonly audit: readonly AuditRow[];
  /** Hash of the last entry of the audit log that is not kept any more; empty if all are. */
  readonly auditAnchor: string;

  jobVersion(job: string, version: number): JobVersionRow | undefined;
  /** All kept versions of a job, in no order. */
  versionsOfJob(job: string): Iterable<JobVersionRow>;
  /** Allocations of a job, ended ones included. */
  allocationsOfJob(job: string): Iterable<AllocationRow>;
  /** How many of a job's allocations have ended. */
  endedOfJob(job: string): number;
  /** Allocations on a node, ended ones included until they are collected. */
  allocationsOnNode(nodeId: string): Iterable<AllocationRow>;
  nodeByName(name: string): NodeRow | undefined;
  /** What allocations that are not final reserve on a node; all zero for an unknown node. Moves on with the state. */
  usageOfNode(nodeId: string): NodeUsage;
  /** Ids of nodes on which something still has to go. */
  readonly drainingNodes: ReadonlySet<string>;
  /** Names of jobs whose `unplaced` is set. */
  readonly unplacedJobs: ReadonlySet<string>;
  /** Names of jobs of type system. */
  readonly systemJobs: ReadonlySet<string>;
}

/** What the allocations on one node reserve while they are not final. */
export interface NodeUsage {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly allocations: number;
  /** Ports in use, each with the id of the allocation that has it. */
  readonly ports: ReadonlyMap<number, string>;
}

/**
 * What one applied command changed, each row at most once and as it is now, for those who watch: the
 * reconcile loop, agents' sessions, people's streams.
 */
export interface StateChange {
  readonly index: number;
  readonly nodes: readonly NodeRow[];
  /** Lost nodes whose name another node has taken over. */
  readonly removedNodes: readonly NodeRow[];
  readonly jobs: readonly JobRow[];
  readonly allocations: readonly AllocationRow[];
  /** Rows that were collected. */
  readonly removedAllocations: readonly AllocationRow[];
  /** Removed ones included, as they are now. */
  readonly members: readonly MemberRow[];
  readonly events: readonly EventRow[];
  /** Ids of tokens that were made, used or revoked. */
  readonly tokens: readonly string[];
  /** Nodes that joined, renewed or were revoked. */
  readonly nodeIdentities: readonly NodeIdentityRow[];
  /** Whether `authorities` changed. */
  readonly authorities: boolean;
}
