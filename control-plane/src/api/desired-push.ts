/**
 * What one agent has been told to run, and what it has not been told yet. Changes gather here while its stream is full:
 * of each allocation only the newest state is ever sent.
 */
import type { JobSpec } from '@cell/job';
import type { DesiredAllocationSchema, DesiredAllocationsSchema, Outgoing } from '@cell/proto';
import { type AllocationRow, type DesiredState, isFinal } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { desiredToProto } from './allocation-states.ts';
import { sharedSpecToProto, specBytes } from './shared-spec.ts';

/** Changed allocations in one message at most; the rest follows in the next ones. */
const changesPerMessageMax = 200;
/** Bytes of one message, about; agents take 16 MiB. A single allocation may have a quarter of a MiB. */
const messageBytesMax = 4 * 1024 * 1024;
/** Of an allocation without its specification. */
const allocationBytes = 512;

type Message = Outgoing<typeof DesiredAllocationsSchema>;

/** An allocation with the specification that it had when it was looked up. */
interface Described {
  readonly row: AllocationRow;
  readonly spec: JobSpec;
}

export class DesiredPush {
  readonly #nodeId: string;
  /** What the agent was told, by allocation id. An allocation never changes in anything else that concerns it. */
  #told = new Map<string, DesiredState>();
  readonly #changed = new Set<string>();
  #complete = true;
  /** What is left of a complete state that is too large for one message. */
  #rest: { readonly generation: number; readonly allocations: readonly Described[] } | undefined;

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
    this.#rest = undefined;
  }

  /** The next message to send; undefined if the agent has been told everything. */
  next(state: FleetState): Message | undefined {
    if (this.#complete) return this.#everything(state);
    return this.#rest === undefined ? this.#changes(state) : this.#part(false);
  }

  #everything(state: FleetState): Message {
    const wanted = [...state.allocationsOnNode(this.#nodeId)].filter((row) => !isFinal(row));
    this.#told = new Map(wanted.map((row) => [row.id, row.desired]));
    this.#complete = false;
    // Looked up now: while the parts go out, the state moves on.
    this.#rest = { generation: state.index, allocations: wanted.map((row) => described(state, row)) };
    return this.#part(true);
  }

  #part(complete: boolean): Message {
    const { generation, allocations } = this.#rest!;
    let bytes = 0;
    const end = allocations.findIndex((allocation, place) => {
      bytes += bytesOf(allocation);
      return bytes > messageBytesMax && place > 0;
    });
    const more = end !== -1;
    this.#rest = more ? { generation, allocations: allocations.slice(end) } : undefined;
    const set = (more ? allocations.slice(0, end) : allocations).map(desiredAllocation);
    return { generation: BigInt(generation), complete, set, removed: [], more };
  }

  #changes(state: FleetState): Message | undefined {
    const set: Described[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const id of this.#changed) {
      if (set.length + removed.length >= changesPerMessageMax || bytes > messageBytesMax) break;
      this.#changed.delete(id);
      const row = state.allocations.get(id);
      const desired = row === undefined || isFinal(row) ? undefined : row.desired;
      if (desired === this.#told.get(id)) continue;
      if (row === undefined || desired === undefined) {
        this.#told.delete(id);
        removed.push(id);
      } else {
        this.#told.set(id, desired);
        const allocation = described(state, row);
        set.push(allocation);
        bytes += bytesOf(allocation);
      }
    }
    if (set.length + removed.length === 0) return undefined;
    return { generation: BigInt(state.index), complete: false, set: set.map(desiredAllocation), removed };
  }
}

function described(state: FleetState, row: AllocationRow): Described {
  const version = state.jobVersion(row.job, row.jobVersion);
  // The state keeps every version that an allocation still runs.
  if (version === undefined) throw new Error(`Version ${row.jobVersion} of job "${row.job}" is missing in the state`);
  return { row, spec: version.spec };
}

function bytesOf({ spec }: Described): number {
  return specBytes(spec) + allocationBytes;
}

function desiredAllocation({ row, spec }: Described): Outgoing<typeof DesiredAllocationSchema> {
  return {
    id: row.id,
    jobVersion: BigInt(row.jobVersion),
    instance: row.instance,
    desired: desiredToProto(row.desired),
    spec: sharedSpecToProto(spec),
    ports: { ...row.ports },
  };
}
