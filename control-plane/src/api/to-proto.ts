/** Rows of the state as messages of the contract. */

import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type AllocationSchema,
  type EventSchema,
  type InventorySchema,
  type JobSchema,
  JobStatus,
  MemberKind,
  type MemberSchema,
  type NodeDrainSchema,
  type NodeSchema,
  NodeStatus,
  type Outgoing,
  type PlacementFailureSchema,
} from '@cell/proto';
import type { NodeDrain } from '../model/drains.ts';
import type * as model from '../model/entities.ts';
import { isFinal } from '../model/entities.ts';
import type { NodeIdentityRow } from '../model/identity.ts';
import { type DrainWait, drainWaits } from '../plan/drain-waits.ts';
import { jobSummary } from '../plan/job-summary.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { leavingAllocations } from '../state/leaving-allocations.ts';
import { allocationStateToProto, desiredToProto } from './allocation-states.ts';
import type { MemberProgress, MemberView } from './control-plane-view.ts';
import { sharedSpecToProto } from './shared-spec.ts';

const jobStatuses = {
  pending: JobStatus.PENDING,
  running: JobStatus.RUNNING,
  degraded: JobStatus.DEGRADED,
  complete: JobStatus.COMPLETE,
  failed: JobStatus.FAILED,
  stopped: JobStatus.STOPPED,
} as const;

export function jobToProto(state: FleetState, row: model.JobRow): Outgoing<typeof JobSchema> {
  const { status, counts } = jobSummary(state, row);
  return {
    spec: sharedSpecToProto(row.spec),
    version: BigInt(row.version),
    status: jobStatuses[status],
    submittedAt: timestampFromMs(row.submittedAtMs),
    modifyIndex: BigInt(row.modifyIndex),
    counts,
    ...unplaced(row.unplaced),
  };
}

function unplaced(failure: model.PlacementFailure | undefined) {
  return failure === undefined ? {} : { unplaced: placementFailureToProto(failure) };
}

export function placementFailureToProto(failure: model.PlacementFailure): Outgoing<typeof PlacementFailureSchema> {
  const reasons = failure.reasons.map(({ reason, nodes }) => ({ reason, nodes }));
  return { count: failure.count, reasons, hint: failure.hint };
}

export function allocationToProto(state: FleetState, row: model.AllocationRow): Outgoing<typeof AllocationSchema> {
  const node = state.nodes.get(row.nodeId);
  return {
    id: row.id,
    job: row.job,
    jobVersion: BigInt(row.jobVersion),
    instance: row.instance,
    nodeId: row.nodeId,
    nodeName: node?.name ?? '',
    desired: desiredToProto(row.desired),
    state: allocationStateToProto(row.state),
    message: row.message === '' ? row.desiredReason : row.message,
    ports: { ...row.ports },
    restarts: row.restarts,
    ...(row.exitCode === undefined ? {} : { exitCode: row.exitCode }),
    placementReason: row.placementReason,
    createdAt: timestampFromMs(row.createdAtMs),
    changedAt: timestampFromMs(row.changedAtMs),
    modifyIndex: BigInt(row.modifyIndex),
    address: node?.inventory.address ?? '',
  };
}

/** The newest last: ids sort by the time of their creation. */
export function allocationsToProto(state: FleetState, rows: Iterable<model.AllocationRow>) {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  return sorted.map((row) => allocationToProto(state, row));
}

export function nodeToProto(
  state: FleetState,
  row: model.NodeRow,
  waits: readonly DrainWait[] = [],
): Outgoing<typeof NodeSchema> {
  const reserved = { cpuMillis: 0, memoryMib: 0 };
  let allocations = 0;
  for (const allocation of state.allocationsOnNode(row.id)) {
    if (isFinal(allocation)) continue;
    reserved.cpuMillis += allocation.cpuMillis;
    reserved.memoryMib += allocation.memoryMib;
    if (allocation.desired === 'run') allocations += 1;
  }
  return {
    id: row.id,
    name: row.name,
    status: row.status === 'ready' ? NodeStatus.READY : NodeStatus.LOST,
    statusMessage: row.statusMessage,
    statusChangedAt: timestampFromMs(row.statusChangedAtMs),
    inventory: inventoryToProto(row.inventory),
    reserved,
    allocations,
    agentVersion: row.agentVersion,
    httpAddress: row.httpAddress,
    modifyIndex: BigInt(row.modifyIndex),
    registeredAt: timestampFromMs(row.registeredAtMs),
    eligible: row.eligible,
    ...identityToProto(state.nodeIdentities.get(row.id)),
    ...(row.drain === undefined ? {} : { drain: drainToProto(state, row, row.drain, waits) }),
  };
}

function identityToProto(identity: NodeIdentityRow | undefined) {
  if (identity === undefined) return {};
  const { revokedAtMs, certificateExpiresAtMs } = identity;
  const revoked = revokedAtMs !== undefined;
  // A node from before nodes joined has none.
  if (certificateExpiresAtMs === 0) return { revoked };
  return { revoked, certificateExpiresAt: timestampFromMs(certificateExpiresAtMs) };
}

/** As `nodeToProto`, with what is left of a drain and why, as far as it is about jobs that are visible. */
export function nodeWithWaits(
  state: FleetState,
  row: model.NodeRow,
  visible: Pick<FleetState, 'jobs'> = state,
): Outgoing<typeof NodeSchema> {
  const waits = drainWaits(state, row)
    .filter((wait) => visible.jobs.has(wait.row.job))
    .slice(0, waitsMax);
  return nodeToProto(state, row, waits);
}

/** Told of one drain; of all there is the number. */
const waitsMax = 100;

function drainToProto(
  state: FleetState,
  node: model.NodeRow,
  drain: NodeDrain,
  waits: readonly DrainWait[],
): Outgoing<typeof NodeDrainSchema> {
  const { startedAtMs, remainingMs, countedAtMs, keepSystemJobs, finishedAtMs } = drain;
  return {
    startedAt: timestampFromMs(startedAtMs),
    ...(remainingMs === undefined ? {} : { deadlineAt: timestampFromMs(countedAtMs + remainingMs) }),
    keepSystemJobs,
    ...(finishedAtMs === undefined ? {} : { finishedAt: timestampFromMs(finishedAtMs) }),
    remaining: leavingAllocations(state, node.id, drain).length,
    waits: waits.map(({ row: { id, job, instance }, reason, stuck }) => {
      return { allocationId: id, job, instance, reason, stuck };
    }),
  };
}

function inventoryToProto(inventory: model.Inventory): Outgoing<typeof InventorySchema> {
  const { cpuMillis, memoryMib, diskFreeMib, address, portFirst, portLast, attributes, runtime, capabilities } =
    inventory;
  return {
    capacity: { cpuMillis, memoryMib },
    diskFreeMib: BigInt(diskFreeMib),
    address,
    portFirst,
    portLast,
    attributes: { ...attributes },
    runtime,
    capabilities: [...capabilities],
  };
}

export function eventToProto(row: model.EventRow): Outgoing<typeof EventSchema> {
  const { index, timeMs, type, subject, message } = row;
  return { index: BigInt(index), time: timestampFromMs(timeMs), type, subject, message };
}

const memberKinds = { voter: MemberKind.VOTER, learner: MemberKind.LEARNER, invited: MemberKind.INVITED } as const;

export function memberToProto({ address, kind, status, progress }: MemberView): Outgoing<typeof MemberSchema> {
  const known = {
    id: BigInt(address.id),
    kind: memberKinds[kind],
    grpcAddress: address.grpc,
    peerAddress: address.peers,
    httpAddress: address.http,
    ...progressToProto(progress),
  };
  if (status === undefined) return { ...known, role: 'unreachable', reachable: false };
  return {
    ...known,
    role: status.role,
    reachable: true,
    term: BigInt(status.term),
    appliedIndex: BigInt(status.appliedIndex),
    commitIndex: BigInt(status.commitIndex),
    snapshotIndex: BigInt(status.snapshotIndex),
    agentSessions: status.agentSessions,
    version: status.version,
    dataBytes: BigInt(status.dataBytes),
    ...(status.diskFreeBytes === undefined ? {} : { diskFreeBytes: BigInt(status.diskFreeBytes) }),
    diskFull: status.diskFull,
  };
}

function progressToProto(progress: MemberProgress | undefined) {
  if (progress === undefined) return {};
  const { matchIndex, lagEntries, state, lastContactMs } = progress;
  return {
    matchIndex: BigInt(matchIndex),
    lagEntries: BigInt(lagEntries),
    replication: state,
    ...(lastContactMs === undefined ? {} : { lastContactMs: BigInt(Math.round(lastContactMs)) }),
  };
}
