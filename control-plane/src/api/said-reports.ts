/**
 * The newest that an agent has said of each allocation in its session. A report of the agent's last session, at another
 * member that was held up, may be written after the newer ones from here; an agent does not repeat itself, so it is
 * here that this is noticed and made good.
 */
import { type AllocationRow, isFinal } from '../model/entities.ts';
import type { AllocationReport } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** Allocations that are followed in one session. */
const newestMax = 10_000;

export class SaidReports {
  readonly #newest = new Map<string, AllocationReport>();
  /** Allocations that have changed in the state since `contradicted`. */
  readonly #changed = new Set<string>();

  take(reports: readonly AllocationReport[]): void {
    for (const report of reports) {
      if (this.#newest.size < newestMax || this.#newest.has(report.id)) this.#newest.set(report.id, report);
    }
  }

  /** The allocation may have changed in the state. */
  mark(allocationId: string): void {
    if (this.#newest.has(allocationId)) this.#changed.add(allocationId);
  }

  /** All may have changed. */
  markAll(): void {
    for (const id of this.#newest.keys()) this.#changed.add(id);
  }

  /** What the agent said of allocations that are otherwise in the state now; forgets those that are final. */
  contradicted(state: FleetState): AllocationReport[] {
    const contradicted: AllocationReport[] = [];
    for (const id of this.#changed) {
      const row = state.allocations.get(id);
      const report = this.#newest.get(id);
      if (row === undefined || isFinal(row)) this.#newest.delete(id);
      else if (report !== undefined && !says(report, row)) contradicted.push(report);
    }
    this.#changed.clear();
    return contradicted;
  }
}

function says(report: AllocationReport, row: AllocationRow): boolean {
  const { state, restarts, exitCode, message } = report;
  return row.state === state && row.restarts === restarts && row.exitCode === exitCode && row.message === message;
}
