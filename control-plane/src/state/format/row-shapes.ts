/** The form of each table's rows in snapshots, of which some parts also stand in commands. */
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
import { amount, list, object, oneOf, optional, pair, record, type Shape, text, truth, whole } from './shape.ts';
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

export const allocationShape: Shape<AllocationRow> = object<AllocationRow>({
  id: text,
  job: text,
  jobVersion: amount,
  instance: amount,
  nodeId: text,
  desired: oneOf('run', 'stop'),
  desiredReason: text,
  state: allocationStateShape,
  message: text,
  ports: portsShape,
  cpuMillis: amount,
  memoryMib: amount,
  restarts: amount,
  exitCode: optional(whole),
  placementReason: text,
  createdAtMs: whole,
  changedAtMs: whole,
  modifyIndex: amount,
});

export const eventShape: Shape<EventRow> = object<EventRow>({
  index: amount,
  timeMs: whole,
  type: oneOf(
    'NodeRegistered',
    'NodeReady',
    'NodeLost',
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
