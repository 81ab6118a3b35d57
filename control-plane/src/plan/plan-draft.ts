import type { AllocationRow, JobRow, PlacementFailure } from '../model/entities.ts';
import type { Placement } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { ALLOCATIONS_MAX } from '../state/limits.ts';
import { allocationId } from './allocation-id.ts';
import { FleetRooms } from './fleet-rooms.ts';
import type { NodeChoice } from './node-choice.ts';
import type { Plan, PlanInputs } from './plan.ts';
import { SeededRandom } from './seeded-random.ts';

/** A plan while it is made. Keeps count of its size and of the room that is left. */
export class PlanDraft {
  readonly state: FleetState;
  readonly rooms: FleetRooms;
  readonly inputs: PlanInputs;
  readonly #random: SeededRandom;
  readonly #placements: Placement[] = [];
  readonly #stops: { id: string; reason: string }[] = [];
  readonly #unplaced: { job: string; failure: PlacementFailure | undefined }[] = [];
  readonly #unfinishedJobs = new Set<string>();

  constructor(state: FleetState, inputs: PlanInputs) {
    this.state = state;
    this.rooms = new FleetRooms(state);
    this.inputs = inputs;
    this.#random = new SeededRandom(inputs.seed);
  }

  /** No more placements, or no more stops, go into this plan. */
  get full(): boolean {
    const { placementsMax } = this.inputs;
    return this.#placements.length >= placementsMax || this.#stops.length >= placementsMax;
  }

  /** The fleet may hold no more allocations. */
  get fleetFull(): boolean {
    return this.state.allocations.size + this.#placements.length >= ALLOCATIONS_MAX;
  }

  place(job: JobRow, instance: number, { room, reason }: NodeChoice): void {
    const ports = room.pickPorts(job.spec, this.#random);
    if (ports === undefined) throw new Error(`A node was chosen for job "${job.name}" that has no ports left`);
    room.reserve(job.spec, ports);
    this.#placements.push({
      id: allocationId(this.inputs.nowMs, this.#random),
      job: job.name,
      jobVersion: job.version,
      instance,
      nodeId: room.node.id,
      ports,
      cpuMillis: job.spec.resources.cpuMillis,
      memoryMib: job.spec.resources.memoryMib,
      placementReason: reason,
    });
  }

  stop(row: AllocationRow, reason: string): void {
    this.#stops.push({ id: row.id, reason });
  }

  unfinished(job: string): void {
    this.#unfinishedJobs.add(job);
  }

  /** Goes into the plan only if it differs from what is stored. */
  setUnplaced(job: JobRow, failure: PlacementFailure | undefined): void {
    if (JSON.stringify(job.unplaced) === JSON.stringify(failure)) return;
    this.#unplaced.push({ job: job.name, failure });
  }

  finish(): Plan {
    return {
      placements: this.#placements,
      stops: this.#stops,
      unplaced: this.#unplaced,
      unfinishedJobs: [...this.#unfinishedJobs],
    };
  }
}
