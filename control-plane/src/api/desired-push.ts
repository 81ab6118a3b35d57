/**
 * What one agent has been told to run, and what it has not been told yet. Changes gather here while its stream is full:
 * of each allocation only the newest state is ever sent.
 */
import type { DesiredAllocationSchema, DesiredAllocationsSchema, Outgoing } from '@cell/proto';
import { type AllocationRow, type DesiredState, isFinal } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { desiredToProto } from './allocation-states.ts';
import { sharedSpecToProto } from './shared-spec.ts';

/** Changed allocations in one message at most; the rest follows in the next ones. */
const changesPerMessageMax = 200;

export class DesiredPush {
  readonly #nodeId: string;
  /** What the agent was told, by allocation id. An allocation never changes in anything else that concerns it. */
  #told = new Map<string, DesiredState>();
  readonly #changed = new Set<string>();
  #complete = true;

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
  }

  /** The allocation may have changed. */
  mark(allocationId: string): void {
    if (!this.#complete) this.#changed.add(allocationId);
  }

  /** Everything may have changed: the next message is complete. */
  markAll(): void {
    this.#complete = true;
    this.#changed.clear();
  }

  /** The next message to send; undefined if the agent has been told everything. */
  next(state: FleetState): Outgoing<typeof DesiredAllocationsSchema> | undefined {
    return this.#complete ? this.#everything(state) : this.#changes(state);
  }

  #everything(state: FleetState): Outgoing<typeof DesiredAllocationsSchema> {
    const wanted = [...state.allocationsOnNode(this.#nodeId)].filter((row) => !isFinal(row));
    this.#told = new Map(wanted.map((row) => [row.id, row.desired]));
    this.#complete = false;
    const set = wanted.map((row) => desiredAllocation(state, row));
    return { generation: BigInt(state.index), complete: true, set, removed: [] };
  }

  #changes(state: FleetState): Outgoing<typeof DesiredAllocationsSchema> | undefined {
    const set: AllocationRow[] = [];
    const removed: string[] = [];
    for (const id of this.#changed) {
      if (set.length + removed.length >= changesPerMessageMax) break;
      this.#changed.delete(id);
      const row = state.allocations.get(id);
      const desired = row === undefined || isFinal(row) ? undefined : row.desired;
      if (desired === this.#told.get(id)) continue;
      if (row === undefined || desired === undefined) {
        this.#told.delete(id);
        removed.push(id);
      } else {
        this.#told.set(id, desired);
        set.push(row);
      }
    }
    if (set.length + removed.length === 0) return undefined;
    const allocations = set.map((row) => desiredAllocation(state, row));
    return { generation: BigInt(state.index), complete: false, set: allocations, removed };
  }
}

function desiredAllocation(state: FleetState, row: AllocationRow): Outgoing<typeof DesiredAllocationSchema> {
  const version = state.jobVersion(row.job, row.jobVersion);
  // The state keeps every version that an allocation still runs.
  if (version === undefined) throw new Error(`Version ${row.jobVersion} of job "${row.job}" is missing in the state`);
  return {
    id: row.id,
    jobVersion: BigInt(row.jobVersion),
    instance: row.instance,
    desired: desiredToProto(row.desired),
    spec: sharedSpecToProto(version.spec),
    ports: { ...row.ports },
  };
}
