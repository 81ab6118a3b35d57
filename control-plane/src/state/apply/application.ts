import type { AllocationRow, DrillRow, EventRow, EventType, JobRow, NodeRow } from '../../model/entities.ts';
import type { AuthorityRow, NodeIdentityRow, SecretRow, TokenRow } from '../../model/identity.ts';
import type { MemberRow, RecoveryRow } from '../../model/members.ts';
import type { CommandResult, RefusalCode } from '../commands.ts';
import type { StateChange } from '../fleet-state.ts';
import type { FleetTables } from '../fleet-tables.ts';

/** One command on its way into the tables: writes rows, and remembers what it wrote for those who watch. */
export class Application {
  readonly tables: FleetTables;
  readonly index: number;
  readonly timeMs: number;
  readonly #nodes = new Map<string, NodeRow>();
  readonly #removedNodes: NodeRow[] = [];
  readonly #jobs = new Map<string, JobRow>();
  readonly #allocations = new Map<string, AllocationRow>();
  readonly #removedAllocations: AllocationRow[] = [];
  readonly #members = new Map<number, MemberRow>();
  readonly #events: EventRow[] = [];
  readonly #tokens = new Set<string>();
  readonly #nodeIdentities = new Map<string, NodeIdentityRow>();
  #authoritiesChanged = false;

  constructor(tables: FleetTables, index: number, timeMs: number) {
    this.tables = tables;
    this.index = index;
    this.timeMs = timeMs;
  }

  putNode(row: NodeRow): void {
    this.tables.putNode(row);
    this.#nodes.set(row.id, row);
  }

  removeNode(row: NodeRow): void {
    this.tables.removeNode(row);
    this.#nodes.delete(row.id);
    this.#removedNodes.push(row);
  }

  putJob(row: JobRow): void {
    this.tables.putJob(row);
    this.#jobs.set(row.name, row);
  }

  putAllocation(row: AllocationRow): void {
    this.tables.putAllocation(row);
    this.#allocations.set(row.id, row);
  }

  removeAllocation(row: AllocationRow): void {
    this.tables.removeAllocation(row);
    this.#allocations.delete(row.id);
    this.#removedAllocations.push(row);
  }

  putDrill(row: DrillRow): void {
    this.tables.putDrill(row);
  }

  putMember(row: MemberRow): void {
    this.tables.putMember(row);
    this.#members.set(row.id, row);
  }

  appendRecovery(row: RecoveryRow): void {
    this.tables.appendRecovery(row);
  }

  putToken(row: TokenRow): void {
    this.tables.identity.putToken(row);
    this.#tokens.add(row.id);
  }

  removeToken(row: TokenRow): void {
    this.tables.identity.removeToken(row);
    this.#tokens.add(row.id);
  }

  putNodeIdentity(row: NodeIdentityRow): void {
    this.tables.identity.putNode(row);
    this.#nodeIdentities.set(row.nodeId, row);
  }

  putAuthority(row: AuthorityRow): void {
    this.tables.identity.putAuthority(row);
    this.#authoritiesChanged = true;
  }

  removeAuthority(id: string): void {
    this.tables.identity.removeAuthority(id);
    this.#authoritiesChanged = true;
  }

  putSecret(row: SecretRow): void {
    this.tables.identity.putSecret(row);
  }

  removeSecret(row: SecretRow): void {
    this.tables.identity.removeSecret(row);
  }

  event(type: EventType, subject: string, message: string): void {
    this.#events.push({ index: this.index, timeMs: this.timeMs, type, subject, message });
  }

  done(details: Readonly<Record<string, unknown>> = {}): CommandResult {
    return { ok: true, index: this.index, ...details };
  }

  refuse(code: RefusalCode, message: string): CommandResult {
    return { ok: false, code, message };
  }

  /** Jobs with an allocation that was written and still stands: those whose ended ones may have become too many. */
  touchedJobs(): ReadonlySet<string> {
    return new Set(this.#allocations.values().map((row) => row.job));
  }

  /** Nodes that were written, or have an allocation that was. */
  touchedNodes(): ReadonlySet<string> {
    return new Set([...this.#nodes.keys(), ...this.#allocations.values().map((row) => row.nodeId)]);
  }

  /** Closes the application: the events go into the tables, and the tables are at its index. */
  finish(): StateChange {
    this.tables.appendEvents(this.#events);
    this.tables.setIndex(this.index);
    return {
      index: this.index,
      nodes: [...this.#nodes.values()],
      removedNodes: this.#removedNodes,
      jobs: [...this.#jobs.values()],
      allocations: [...this.#allocations.values()],
      removedAllocations: this.#removedAllocations,
      members: [...this.#members.values()],
      events: this.#events,
      tokens: [...this.#tokens],
      nodeIdentities: [...this.#nodeIdentities.values()],
      authorities: this.#authoritiesChanged,
    };
  }
}
