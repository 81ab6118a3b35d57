import { isFinal } from '../model/entities.ts';
import type { FleetState, StateChange } from '../state/fleet-state.ts';

/**
 * Jobs that must be planned again after a change: those that people changed, those whose allocations ended or came up
 * during a rollout or a move, and, when a node changed or room became free, those that still wait for a node or have
 * to go off one.
 */
export function affectedJobs(change: StateChange, state: FleetState): Set<string> {
  const affected = new Set<string>();
  for (const { name } of change.jobs) affected.add(name);
  let roomChanged = change.nodes.length > 0 || change.removedNodes.length > 0;
  for (const row of change.allocations) {
    const ended = isFinal(row);
    if (ended) roomChanged = true;
    if (ended || mayGoOn(state, row.job, row.state)) affected.add(row.job);
  }
  for (const id of undrainedNodes(change, state)) addJobsOn(affected, state, id);
  if (roomChanged) for (const id of state.drainingNodes) addJobsOn(affected, state, id);
  if (roomChanged) for (const name of state.unplacedJobs) affected.add(name);
  if (change.nodes.length > 0) for (const name of state.systemJobs) affected.add(name);
  return affected;
}

/** Whether an instance that came up may let a rollout or a move go on. A job's first version has nothing to roll out. */
function mayGoOn(state: FleetState, name: string, reached: string): boolean {
  if (reached !== 'healthy' && reached !== 'running') return false;
  const job = state.jobs.get(name);
  return job !== undefined && (job.version > 1 || state.drainingNodes.size > 0) && job.spec.type !== 'batch';
}

/** What moved half of the way need not go the rest of it. */
function undrainedNodes({ nodes, events }: StateChange, state: FleetState): string[] {
  if (!events.some(({ type }) => type === 'NodeUndrained')) return [];
  return nodes.flatMap(({ id }) => (state.nodes.get(id)?.eligible === true ? [id] : []));
}

function addJobsOn(affected: Set<string>, state: FleetState, nodeId: string): void {
  for (const row of state.allocationsOnNode(nodeId)) if (!isFinal(row)) affected.add(row.job);
}
