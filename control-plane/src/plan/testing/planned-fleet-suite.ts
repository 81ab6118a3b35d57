/** A fleet whose plans are carried out, and plans as readable text. */
import { type AllocationState, isFinal } from '../../model/entities.ts';
import type { CommandResult } from '../../state/commands.ts';
import { TestFleet } from '../../state/testing/fleet-arbitraries.ts';
import { affectedJobs } from '../affected-jobs.ts';
import type { Plan } from '../plan.ts';
import { planJobs } from '../plan-jobs.ts';

const ROUNDS_MAX = 200;

export class PlannedFleet extends TestFleet {
  seed = 1;
  placementsMax = 1_000;

  plan(jobs: Iterable<string> = [...this.tables.jobs.keys()].sort()): Plan {
    const inputs = { nowMs: this.timeMs, seed: this.seed, placementsMax: this.placementsMax };
    return planJobs(this.tables, jobs, inputs);
  }

  /** Plans and applies once; returns the plan as text. */
  step(jobs?: Iterable<string>): string {
    this.seed += 1;
    const plan = this.plan(jobs);
    const text = this.render(plan);
    this.carryOut(plan);
    return text;
  }

  carryOut({ placements, stops, unplaced }: Plan): CommandResult {
    return this.apply({ kind: 'apply-plan', placements, stops, unplaced });
  }

  /** What agents would say next: those that shall stop have stopped, the others are in the given state. */
  agentsReport(state: AllocationState = 'healthy', of: (instance: number) => boolean = () => true): void {
    const alive = [...this.tables.allocations.values()].filter((row) => !isFinal(row) && of(row.instance));
    const reports = alive.map((row) => ({
      id: row.id,
      nodeId: row.nodeId,
      state: row.desired === 'stop' ? ('stopped' as const) : state,
      restarts: row.restarts,
      exitCode: undefined,
      message: state === 'failed' ? 'Exit code 1' : '',
    }));
    this.apply({ kind: 'report-allocations', reports });
  }

  /** Plans and reports, for the jobs that changes affect, until nothing is left to do. Returns the number of rounds. */
  settle(): number {
    let affected: Iterable<string> = [...this.tables.jobs.keys()];
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const plan = this.plan(affected);
      this.seed += 1;
      if (isEmpty(plan) && round > 0) return round;
      this.carryOut(plan);
      const planned = this.change;
      this.agentsReport();
      const changes = [planned, this.change].filter((change) => change !== undefined);
      const names = changes.map((change) => affectedJobs(change, this.tables));
      affected = new Set([...names.flatMap((set) => [...set]), ...plan.unfinishedJobs]);
    }
    throw new Error(`The fleet does not settle within ${ROUNDS_MAX} rounds`);
  }

  /** Living allocations as "job/instance vVersion node state", ordered. */
  living(): string[] {
    const alive = [...this.tables.allocations.values()].filter((row) => !isFinal(row));
    return alive
      .map((row) => `${row.job}/${row.instance} v${row.jobVersion} ${this.nodeName(row.nodeId)} ${row.state}`)
      .sort();
  }

  render(plan: Plan): string {
    const lines = [
      ...plan.stops.map(({ id, reason }) => {
        const row = this.allocation(id);
        return `stop ${row.job}/${row.instance} v${row.jobVersion} on ${this.nodeName(row.nodeId)}: ${reason}`;
      }),
      ...plan.placements.map((placement) => {
        const { job, instance, jobVersion, nodeId, placementReason } = placement;
        return `place ${job}/${instance} v${jobVersion} on ${this.nodeName(nodeId)}: ${placementReason}`;
      }),
      ...plan.unplaced.flatMap(({ job, failure }) =>
        failure === undefined
          ? [`unplaced ${job}: none any more`]
          : [
              `unplaced ${job}: ${failure.count}`,
              ...failure.reasons.map(({ reason, nodes }) => `  ${nodes} nodes: ${reason}`),
              `  hint: ${failure.hint}`,
            ],
      ),
      ...plan.unfinishedJobs.map((job) => `unfinished ${job}`),
    ];
    return lines.length === 0 ? 'nothing' : `\n${lines.join('\n')}\n`;
  }

  nodeName(nodeId: string): string {
    return this.tables.nodes.get(nodeId)?.name ?? nodeId;
  }
}

export function isEmpty(plan: Plan): boolean {
  return plan.placements.length + plan.stops.length + plan.unplaced.length + plan.unfinishedJobs.length === 0;
}
