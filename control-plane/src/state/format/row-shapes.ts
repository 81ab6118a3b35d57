/** The form of each table's rows in snapshots, of which some parts also stand in commands. */
import type { NodeDrain } from '../../model/drains.ts';
import type {
  AllocationRow,
  DrillRow,
  EventRow,
  Inventory,
  JobRow,
  JobVersionRow,
  NodeRow,
  PlacementFailure,
  RefusalReason,
} from '../../model/entities.ts';
import type { MemberRow, RecoveryRow } from '../../model/members.ts';
import {
  amount,
  list,
  object,
  oneOf,
  optional,
  pair,
  plain,
  record,
  type Shape,
  sharedText,
  text,
  truth,
  whole,
  withDefault,
} from './shape.ts';
import { specShape } from './spec-shape.ts';

export const inventoryShape: Shape<Inventory> = object<Inventory>({
  cpuMillis: amount,
  memoryMib: amount,
  diskFreeMib: amount,
  address: text,
  portFirst: amount,
  portLast: amount,
  attributes: record(text),
  runtime: text,
  // Earlier versions stored none. What jobs can ask of a node since then is what these never could.
  capabilities: withDefault(list(text), []),
});

export const failureShape: Shape<PlacementFailure> = object<PlacementFailure>({
  count: amount,
  reasons: list(object<RefusalReason>({ reason: text, nodes: amount })),
  hint: text,
});

export const allocationStateShape = oneOf(
  'pending',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'complete',
  'failed',
  'stopped',
  'lost',
);

export const portsShape = record(amount);

const drainShape: Shape<NodeDrain> = object<NodeDrain>({
  startedAtMs: whole,
  setIndex: amount,
  remainingMs: optional(amount),
  countedAtMs: whole,
  keepSystemJobs: truth,
  finishedAtMs: optional(whole),
});

export const nodeShape: Shape<NodeRow> = object<NodeRow>({
  id: text,
  name: text,
  status: oneOf('ready', 'lost'),
  statusMessage: text,
  statusChangedAtMs: whole,
  inventory: inventoryShape,
  agentVersion: text,
  httpAddress: text,
  registeredAtMs: whole,
  // Earlier versions stored neither: every node took allocations.
  eligible: withDefault(truth, true),
  drain: optional(drainShape),
  modifyIndex: amount,
});

export const jobShape: Shape<JobRow> = object<JobRow>({
  name: text,
  version: amount,
  spec: specShape,
  runsFromVersion: amount,
  stopped: truth,
  submittedAtMs: whole,
  unplaced: optional(failureShape),
  modifyIndex: amount,
});

export const jobVersionShape: Shape<JobVersionRow> = object<JobVersionRow>({
  job: text,
  version: amount,
  spec: specShape,
});

const desiredShape = oneOf('run', 'stop');
const exitCodeShape = optional(whole);

/**
 * Reads the allocations of one snapshot. Written out field by field, and with one text for all that are equal: there
 * are up to ALLOCATIONS_MAX of them, which nearly say the same, and making and keeping copies is what restoring costs.
 */
export function allocationReader(): Shape<AllocationRow> {
  const shared = sharedText();
  return (value, path) => {
    const row: { readonly [Field in keyof AllocationRow]?: unknown } = plain(value, path);
    return {
      id: text(row.id, 'id'),
      job: shared(row.job, 'job'),
      jobVersion: amount(row.jobVersion, 'jobVersion'),
      instance: amount(row.instance, 'instance'),
      nodeId: shared(row.nodeId, 'nodeId'),
      desired: desiredShape(row.desired, 'desired'),
      desiredReason: shared(row.desiredReason, 'desiredReason'),
      state: allocationStateShape(row.state, 'state'),
      message: shared(row.message, 'message'),
      ports: portsShape(row.ports, 'ports'),
      cpuMillis: amount(row.cpuMillis, 'cpuMillis'),
      memoryMib: amount(row.memoryMib, 'memoryMib'),
      restarts: amount(row.restarts, 'restarts'),
      exitCode: exitCodeShape(row.exitCode, 'exitCode'),
      placementReason: shared(row.placementReason, 'placementReason'),
      createdAtMs: whole(row.createdAtMs, 'createdAtMs'),
      changedAtMs: whole(row.changedAtMs, 'changedAtMs'),
      modifyIndex: amount(row.modifyIndex, 'modifyIndex'),
    };
  };
}

export const eventShape: Shape<EventRow> = object<EventRow>({
  index: amount,
  timeMs: whole,
  type: oneOf(
    'NodeRegistered',
    'NodeReady',
    'NodeLost',
    'NodeDraining',
    'NodeDrained',
    'NodeUndrained',
    'NodeEligible',
    'NodeIneligible',
    'JobSubmitted',
    'JobStopped',
    'JobUnplaced',
    'AllocationPlaced',
    'AllocationStopping',
    'AllocationStarted',
    'AllocationHealthy',
    'AllocationUnhealthy',
    'AllocationRestarted',
    'AllocationCompleted',
    'AllocationFailed',
    'AllocationStopped',
    'AllocationLost',
    'LeaderElected',
    'DrillStarted',
    'ClusterFounded',
    'MemberInvited',
    'MemberAdmitted',
    'MemberPromoted',
    'MemberRemoved',
    'ClusterRecovered',
    'NodeJoined',
    'NodeRevoked',
    'TokenCreated',
    'TokenRevoked',
    'AuthorityRotated',
    'AuthorityRetired',
    'SecretSet',
    'SecretRemoved',
  ),
  subject: text,
  message: text,
});

export const drillShape: Shape<DrillRow> = object<DrillRow>({
  id: text,
  startedAtMs: whole,
  ranges: list(pair(amount)),
});

export const memberShape: Shape<MemberRow> = object<MemberRow>({
  id: amount,
  grpc: text,
  peers: text,
  http: text,
  incarnation: text,
  status: oneOf('invited', 'member', 'removed'),
  changedAtMs: whole,
  modifyIndex: amount,
});

export const recoveryShape: Shape<RecoveryRow> = object<RecoveryRow>({
  clusterId: text,
  formerClusterId: text,
  survivor: amount,
  dropped: list(amount),
  timeMs: whole,
  index: amount,
});
