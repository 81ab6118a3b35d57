import { isDraining } from '../model/drains.ts';
import {
  type AllocationRow,
  type DrillRow,
  type EventRow,
  isFinal,
  type JobRow,
  type JobVersionRow,
  type NodeRow,
} from '../model/entities.ts';
import type { AuditRow, AuthorityRow, NodeIdentityRow, SecretRow, TokenRow } from '../model/identity.ts';
import type { MemberRow, RecoveryRow } from '../model/members.ts';
import type { FleetState, NodeUsage } from './fleet-state.ts';
import { IdentityTables } from './identity-tables.ts';
import { EVENTS_MAX, RECOVERIES_MAX } from './limits.ts';

/**
 * The tables and their indexes. Writers are `apply/` and `restoreTables`; everyone else sees `FleetState`. The order
 * in which maps give their rows depends on history: where order shows, callers sort.
 */
export class FleetTables implements FleetState {
  #index = 0;
  #rows = emptyRows();

  get index(): number {
    return this.#index;
  }

  get nodes(): ReadonlyMap<string, NodeRow> {
    return this.#rows.nodes;
  }

  get jobs(): ReadonlyMap<string, JobRow> {
    return this.#rows.jobs;
  }

  get allocations(): ReadonlyMap<string, AllocationRow> {
    return this.#rows.allocations;
  }

  get drills(): ReadonlyMap<string, DrillRow> {
    return this.#rows.drills;
  }

  get events(): readonly EventRow[] {
    return this.#rows.events;
  }

  get members(): ReadonlyMap<number, MemberRow> {
    return this.#rows.members;
  }

  get recoveries(): readonly RecoveryRow[] {
    return this.#rows.recoveries;
  }

  /** Writers' view of the tables about who is who. */
  get identity(): IdentityTables {
    return this.#rows.identity;
  }

  get tokens(): ReadonlyMap<string, TokenRow> {
    return this.#rows.identity.tokens;
  }

  get nodeIdentities(): ReadonlyMap<string, NodeIdentityRow> {
    return this.#rows.identity.nodes;
  }

  get authorities(): readonly AuthorityRow[] {
    return this.#rows.identity.authorities;
  }

  get secrets(): ReadonlyMap<string, SecretRow> {
    return this.#rows.identity.secrets;
  }

  get audit(): readonly AuditRow[] {
    return this.#rows.identity.audit;
  }

  get auditAnchor(): string {
    return this.#rows.identity.auditAnchor;
  }

  get drainingNodes(): ReadonlySet<string> {
    return this.#rows.drainingNodes;
  }

  get unplacedJobs(): ReadonlySet<string> {
    return this.#rows.unplacedJobs;
  }

  get systemJobs(): ReadonlySet<string> {
    return this.#rows.systemJobs;
  }

  jobVersion(job: string, version: number): JobVersionRow | undefined {
    return this.#rows.jobVersions.get(job)?.get(version);
  }

  /** All kept versions of a job, in no order. */
  versionsOfJob(job: string): Iterable<JobVersionRow> {
    return valuesOf(this.#rows.jobVersions.get(job));
  }

  allocationsOfJob(job: string): Iterable<AllocationRow> {
    return valuesOf(this.#rows.allocationsByJob.get(job));
  }

  allocationsOnNode(nodeId: string): Iterable<AllocationRow> {
    return valuesOf(this.#rows.allocationsByNode.get(nodeId));
  }

  /** How many of a job's allocations have ended. */
  endedOfJob(job: string): number {
    return this.#rows.endedByJob.get(job) ?? 0;
  }

  nodeByName(name: string): NodeRow | undefined {
    return this.#rows.nodeByName.get(name);
  }

  usageOfNode(nodeId: string): NodeUsage {
    return this.#rows.usageByNode.get(nodeId) ?? nothingUsed;
  }

  setIndex(index: number): void {
    this.#index = index;
  }

  putNode(row: NodeRow): void {
    const before = this.#rows.nodes.get(row.id);
    if (before !== undefined && before.name !== row.name) this.#rows.nodeByName.delete(before.name);
    this.#rows.nodes.set(row.id, row);
    this.#rows.nodeByName.set(row.name, row);
    toggle(this.#rows.drainingNodes, row.id, isDraining(row));
  }

  removeNode(row: NodeRow): void {
    this.#rows.nodes.delete(row.id);
    this.#rows.drainingNodes.delete(row.id);
    if (this.#rows.nodeByName.get(row.name)?.id === row.id) this.#rows.nodeByName.delete(row.name);
  }

  putJob(row: JobRow): void {
    this.#rows.jobs.set(row.name, row);
    toggle(this.#rows.unplacedJobs, row.name, row.unplaced !== undefined);
    toggle(this.#rows.systemJobs, row.name, row.spec.type === 'system');
  }

  putJobVersion(row: JobVersionRow): void {
    innerMap(this.#rows.jobVersions, row.job).set(row.version, row);
  }

  removeJobVersion(row: JobVersionRow): void {
    removeInner(this.#rows.jobVersions, row.job, row.version);
  }

  putAllocation(row: AllocationRow): void {
    const before = this.#rows.allocations.get(row.id);
    if (before !== undefined) this.#count(before, -1);
    this.#rows.allocations.set(row.id, row);
    this.#indexAllocation(row);
  }

  /** Puts one that is not there yet. False, and the tables are spoilt, if it is. */
  addAllocation(row: AllocationRow): boolean {
    const { allocations } = this.#rows;
    const { size } = allocations;
    allocations.set(row.id, row);
    this.#indexAllocation(row);
    return allocations.size > size;
  }

  removeAllocation(row: AllocationRow): void {
    this.#count(row, -1);
    this.#rows.allocations.delete(row.id);
    removeInner(this.#rows.allocationsByJob, row.job, row.id);
    removeInner(this.#rows.allocationsByNode, row.nodeId, row.id);
  }

  putDrill(row: DrillRow): void {
    this.#rows.drills.set(row.id, row);
  }

  removeDrill(id: string): void {
    this.#rows.drills.delete(id);
  }

  putMember(row: MemberRow): void {
    this.#rows.members.set(row.id, row);
  }

  /** The oldest beyond the limit go. */
  appendRecovery(row: RecoveryRow): void {
    this.#rows.recoveries.push(row);
    if (this.#rows.recoveries.length > RECOVERIES_MAX) this.#rows.recoveries.shift();
  }

  /** The oldest beyond the limit go. */
  appendEvents(events: readonly EventRow[]): void {
    this.#rows.events.push(...events.slice(-EVENTS_MAX));
    if (this.#rows.events.length > EVENTS_MAX) this.#rows.events.splice(0, this.#rows.events.length - EVENTS_MAX);
  }

  /** Takes over everything that another one holds, which must not be used any more: how a snapshot is installed. */
  adopt(other: FleetTables): void {
    this.#index = other.#index;
    this.#rows = other.#rows;
  }

  #indexAllocation(row: AllocationRow): void {
    this.#count(row, 1);
    innerMap(this.#rows.allocationsByJob, row.job).set(row.id, row);
    innerMap(this.#rows.allocationsByNode, row.nodeId).set(row.id, row);
  }

  /** Adds to the totals what an allocation stands for, or takes it away again. */
  #count(row: AllocationRow, sign: 1 | -1): void {
    if (isFinal(row)) {
      addTo(this.#rows.endedByJob, row.job, sign);
      return;
    }
    const { usageByNode } = this.#rows;
    let usage = usageByNode.get(row.nodeId);
    if (usage === undefined) {
      usage = { cpuMillis: 0, memoryMib: 0, allocations: 0, ports: new Map() };
      usageByNode.set(row.nodeId, usage);
    }
    usage.cpuMillis += sign * row.cpuMillis;
    usage.memoryMib += sign * row.memoryMib;
    usage.allocations += sign;
    for (const name in row.ports) {
      if (sign === 1) usage.ports.set(row.ports[name] as number, row.id);
      else usage.ports.delete(row.ports[name] as number);
    }
    if (usage.allocations === 0) usageByNode.delete(row.nodeId);
  }
}

interface CountedUsage {
  cpuMillis: number;
  memoryMib: number;
  allocations: number;
  readonly ports: Map<number, string>;
}

const nothingUsed: NodeUsage = { cpuMillis: 0, memoryMib: 0, allocations: 0, ports: new Map() };

function emptyRows() {
  return {
    nodes: new Map<string, NodeRow>(),
    jobs: new Map<string, JobRow>(),
    allocations: new Map<string, AllocationRow>(),
    drills: new Map<string, DrillRow>(),
    events: [] as EventRow[],
    members: new Map<number, MemberRow>(),
    recoveries: [] as RecoveryRow[],
    jobVersions: new Map<string, Map<number, JobVersionRow>>(),
    allocationsByJob: new Map<string, Map<string, AllocationRow>>(),
    allocationsByNode: new Map<string, Map<string, AllocationRow>>(),
    endedByJob: new Map<string, number>(),
    nodeByName: new Map<string, NodeRow>(),
    usageByNode: new Map<string, CountedUsage>(),
    drainingNodes: new Set<string>(),
    unplacedJobs: new Set<string>(),
    systemJobs: new Set<string>(),
    identity: new IdentityTables(),
  };
}

/** Can be gone through more than once, unlike what `values()` gives. */
function valuesOf<Row>(rows: ReadonlyMap<unknown, Row> | undefined): Iterable<Row> {
  return rows === undefined ? [] : { [Symbol.iterator]: () => rows.values() };
}

function innerMap<Outer, Inner, Row>(outer: Map<Outer, Map<Inner, Row>>, key: Outer): Map<Inner, Row> {
  const found = outer.get(key);
  if (found !== undefined) return found;
  const made = new Map<Inner, Row>();
  outer.set(key, made);
  return made;
}

function removeInner<Outer, Inner>(outer: Map<Outer, Map<Inner, unknown>>, key: Outer, inner: Inner): void {
  const rows = outer.get(key);
  rows?.delete(inner);
  if (rows?.size === 0) outer.delete(key);
}

function addTo(totals: Map<string, number>, key: string, change: number): void {
  const total = (totals.get(key) ?? 0) + change;
  if (total === 0) totals.delete(key);
  else totals.set(key, total);
}

function toggle(set: Set<string>, key: string, present: boolean): void {
  if (present) set.add(key);
  else set.delete(key);
}
