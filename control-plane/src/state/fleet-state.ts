/**
 * The tables, with the indexes that planning and serving need. Only `apply` changes them (and `restore`, which replaces
 * them). Readers get this read-only view; rows are immutable, so a reader may keep a row for as long as it likes.
 */
import type { AllocationRow, DrillRow, EventRow, JobRow, JobVersionRow, NodeRow } from '../model/entities.ts';

export interface FleetState {
  /** Raft index of the last applied command. */
  readonly index: number;
  readonly nodes: ReadonlyMap<string, NodeRow>;
  readonly jobs: ReadonlyMap<string, JobRow>;
  readonly allocations: ReadonlyMap<string, AllocationRow>;
  readonly drills: ReadonlyMap<string, DrillRow>;
  /** The newest last; bounded. */
  readonly events: readonly EventRow[];

  jobVersion(job: string, version: number): JobVersionRow | undefined;
  /** Allocations of a job, ended ones included. */
  allocationsOfJob(job: string): Iterable<AllocationRow>;
  /** Allocations on a node, ended ones included until they are collected. */
  allocationsOnNode(nodeId: string): Iterable<AllocationRow>;
  nodeByName(name: string): NodeRow | undefined;
}

/** What one applied command changed, for those who watch: the reconcile loop, agents' sessions, people's streams. */
export interface StateChange {
  readonly index: number;
  readonly nodes: readonly NodeRow[];
  readonly jobs: readonly JobRow[];
  readonly allocations: readonly AllocationRow[];
  /** Rows that were collected. */
  readonly removedAllocations: readonly AllocationRow[];
  readonly events: readonly EventRow[];
}
