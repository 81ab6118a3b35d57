import { Gauge, type Registry } from 'prom-client';
import { isDraining, type NodeDrain } from '../model/drains.ts';
import type { FleetState } from '../state/fleet-state.ts';

const STATES = ['pending', 'starting', 'running', 'healthy', 'unhealthy', 'complete', 'failed', 'stopped', 'lost'];
const REASONS = ['draining', 'drained', 'eligibility'];

/** Adds what is counted in the fleet's state whenever it is scraped; the same on all members that keep up. */
export function addFleetMetrics(registry: Registry, state: FleetState): void {
  tally(registry, 'cell_nodes', 'Nodes by status.', 'status', ['ready', 'lost'], () =>
    state.nodes.values().map((node) => node.status),
  );
  const ineligible = 'Nodes that take no new allocations, ready or lost, by reason.';
  tally(registry, 'cell_nodes_ineligible', ineligible, 'reason', REASONS, () =>
    state.nodes
      .values()
      .filter(({ eligible }) => !eligible)
      .map(reasonOf),
  );
  tally(registry, 'cell_jobs', 'Jobs by whether they are to run.', 'status', ['active', 'stopped'], () =>
    state.jobs.values().map((job) => (job.stopped ? 'stopped' : 'active')),
  );
  tally(registry, 'cell_allocations', 'Allocations by state, ended ones that are kept included.', 'state', STATES, () =>
    state.allocations.values().map((allocation) => allocation.state),
  );
  const unplaced: Gauge = new Gauge({
    name: 'cell_jobs_unplaced',
    help: 'Jobs with instances that have no node.',
    registers: [registry],
    collect: () => unplaced.set(state.unplacedJobs.size),
  });
}

/** Why a node takes no new allocations: it is being emptied, it was, or somebody said only that. */
function reasonOf(node: { readonly drain: NodeDrain | undefined }): string {
  if (node.drain === undefined) return 'eligibility';
  return isDraining(node) ? 'draining' : 'drained';
}

/** A gauge that counts rows by one property; what there is none of is 0, not absent. */
function tally(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: readonly string[],
  read: () => Iterable<string>,
): void {
  const made = new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect: () => {
      const counts = new Map(values.map((value) => [value, 0]));
      for (const value of read()) counts.set(value, (counts.get(value) ?? 0) + 1);
      for (const [value, count] of counts) made.set({ [label]: value }, count);
    },
  });
}
