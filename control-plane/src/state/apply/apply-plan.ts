import { isDraining } from '../../model/drains.ts';
import { type AllocationRow, isFinal, type JobRow } from '../../model/entities.ts';
import { instanceKey } from '../../model/instances.ts';
import type { ApplyPlan, CommandResult, Placement } from '../commands.ts';
import type { FleetTables } from '../fleet-tables.ts';
import { portsShape } from '../format/row-shapes.ts';
import { ALLOCATIONS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

/**
 * The planner saw an older state, so each part is checked again: what no longer holds is left out. Stops come first.
 * Result details: `placed`, `stopped`, `leftOut` (parts), `leftOutReasons` (reason to number of placements).
 */
export function applyPlan(application: Application, command: ApplyPlan): CommandResult {
  const stopped = command.stops.filter((stop) => stopAllocation(application, stop)).length;
  const leftOutReasons: Record<string, number> = {};
  const taken = takenInstances(application.tables, command.placements);
  let placed = 0;
  for (const placement of command.placements) {
    const reason = refusalOf(application.tables, taken, placement);
    if (reason === undefined) {
      place(application, placement, taken);
      placed += 1;
    } else {
      leftOutReasons[reason] = (leftOutReasons[reason] ?? 0) + 1;
    }
  }
  for (const { job, failure } of command.unplaced) setUnplaced(application, job, failure);
  const leftOut = command.placements.length - placed + command.stops.length - stopped;
  return application.done({ placed, stopped, leftOut, leftOutReasons });
}

function stopAllocation(application: Application, stop: ApplyPlan['stops'][number]): boolean {
  const row = application.tables.allocations.get(stop.id);
  if (row === undefined || isFinal(row) || row.desired === 'stop') return false;
  application.putAllocation({
    ...row,
    desired: 'stop',
    desiredReason: stop.reason,
    modifyIndex: application.index,
  });
  application.event('AllocationStopping', `allocation/${row.id}`, `${row.job}/${row.instance}: ${stop.reason}`);
  return true;
}

/**
 * Per job of the plan the instances that have an allocation which has not ended, also one that is stopping. One that has
 * to go off a drained node may get a second one, which takes over from it.
 */
type TakenInstances = Map<string, Set<number | string>>;

function takenInstances(tables: FleetTables, placements: readonly Placement[]): TakenInstances {
  const taken: TakenInstances = new Map();
  for (const { job: name } of placements) {
    const job = tables.jobs.get(name);
    if (job === undefined || taken.has(name)) continue;
    const instances = new Set<number | string>();
    const leaving = new Set<number | string>();
    for (const row of tables.allocationsOfJob(name)) {
      if (isFinal(row)) continue;
      const key = instanceKey(job.spec, row);
      if (!mayBeJoined(tables, job, row) || leaving.has(key)) instances.add(key);
      else leaving.add(key);
    }
    taken.set(name, instances);
  }
  return taken;
}

function mayBeJoined(tables: FleetTables, { spec }: JobRow, row: AllocationRow): boolean {
  return spec.type === 'service' && spec.onDisconnect === 'keep' && isDraining(tables.nodes.get(row.nodeId));
}

function refusalOf(tables: FleetTables, taken: TakenInstances, placement: Placement): string | undefined {
  const job = tables.jobs.get(placement.job);
  if (job === undefined || job.stopped) return 'job is not wanted any more';
  if (tables.jobVersion(job.name, placement.jobVersion) === undefined) return 'job version is gone';
  if (job.spec.type !== 'system' && placement.instance >= job.spec.count) return 'instance is not wanted any more';
  if (taken.get(job.name)?.has(instanceKey(job.spec, placement)) === true) return 'instance is taken';
  if (tables.allocations.has(placement.id)) return 'id is taken';
  if (tables.allocations.size >= ALLOCATIONS_MAX) return `limit of ${ALLOCATIONS_MAX} allocations`;
  return nodeRefusal(tables, placement);
}

function nodeRefusal(tables: FleetTables, placement: Placement): string | undefined {
  const node = tables.nodes.get(placement.nodeId);
  if (node === undefined || node.status !== 'ready') return 'node is not ready';
  if (!node.eligible) return 'node takes no allocations';
  const usage = tables.usageOfNode(node.id);
  if (usage.cpuMillis + placement.cpuMillis > node.inventory.cpuMillis) return 'cpu does not fit';
  if (usage.memoryMib + placement.memoryMib > node.inventory.memoryMib) return 'memory does not fit';
  const ports = Object.values(placement.ports);
  if (new Set(ports).size < ports.length || ports.some((port) => usage.ports.has(port))) return 'port is taken';
  return undefined;
}

function place(application: Application, placement: Placement, taken: TakenInstances): void {
  const row: AllocationRow = {
    id: placement.id,
    job: placement.job,
    jobVersion: placement.jobVersion,
    instance: placement.instance,
    nodeId: placement.nodeId,
    desired: 'run',
    desiredReason: '',
    state: 'pending',
    message: '',
    ports: portsShape(placement.ports, 'ports'),
    cpuMillis: placement.cpuMillis,
    memoryMib: placement.memoryMib,
    restarts: 0,
    exitCode: undefined,
    placementReason: placement.placementReason,
    createdAtMs: application.timeMs,
    changedAtMs: application.timeMs,
    modifyIndex: application.index,
  };
  application.putAllocation(row);
  const { tables } = application;
  const job = tables.jobs.get(row.job);
  if (job !== undefined) taken.get(row.job)?.add(instanceKey(job.spec, row));
  const where = tables.nodes.get(row.nodeId)?.name ?? row.nodeId;
  application.event(
    'AllocationPlaced',
    `allocation/${row.id}`,
    `${row.job}/${row.instance} on "${where}": ${row.placementReason}`,
  );
}

function setUnplaced(application: Application, name: string, failure: JobRow['unplaced']): void {
  const job = application.tables.jobs.get(name);
  if (job === undefined || job.stopped || JSON.stringify(job.unplaced) === JSON.stringify(failure)) return;
  application.putJob({ ...job, unplaced: failure });
  if (failure === undefined || failure.count === job.unplaced?.count) return;
  const first = failure.reasons[0]?.reason ?? 'no reason is known';
  const instances = failure.count === 1 ? 'instance has' : 'instances have';
  application.event('JobUnplaced', `job/${name}`, `${failure.count} ${instances} no node: ${first}`);
}
