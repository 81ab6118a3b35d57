/** Answers of a control plane with names as long as they may be. */
import { AllocationState, DesiredState, JobStatus, JobType, MemberKind, NodeStatus, Severity } from '@cell/sdk';
import { secondsAgo } from './run-cellctl.ts';

const LONG_JOB = 'web-frontend-with-a-name-as-long-as-a-name-of-a-job-may-be-in-1';
const LONG_NODE = 'node-0017.rack-22.building-4.frankfurt-1.eu-central.example.com';

export const members = [
  {
    id: 1n,
    role: 'follower',
    grpcAddress: '127.0.0.1:7600',
    peerAddress: '127.0.0.1:7601',
    httpAddress: '127.0.0.1:7602',
    reachable: true,
    term: 3n,
    appliedIndex: 1_234_567n,
    commitIndex: 1_234_567n,
    snapshotIndex: 1_200_000n,
    agentSessions: 2,
    version: '0.1.0',
    dataBytes: 5_242_880n,
    kind: MemberKind.VOTER,
    replication: 'replicate',
    matchIndex: 1_234_560n,
    lagEntries: 7n,
    lastContactMs: 38n,
    diskFreeBytes: 13_000_000_000n,
  },
  {
    id: 2n,
    role: 'leader',
    grpcAddress: 'control-plane-2.building-4.frankfurt-1.example.com:7600',
    reachable: true,
    term: 3n,
    appliedIndex: 1_234_567n,
    agentSessions: 3,
    version: '0.1.0',
    kind: MemberKind.VOTER,
    replication: 'replicate',
    matchIndex: 1_234_567n,
    lagEntries: 0n,
    diskFull: true,
  },
  {
    id: 3n,
    role: 'unreachable',
    grpcAddress: '127.0.0.1:7620',
    reachable: false,
    kind: MemberKind.VOTER,
    replication: 'probe',
    matchIndex: 1_100_000n,
    lagEntries: 134_567n,
    lastContactMs: 63_000n,
  },
  { id: 4n, role: 'unreachable', grpcAddress: '127.0.0.1:7630', reachable: false, kind: MemberKind.INVITED },
];

export const jobs = [
  {
    spec: { name: LONG_JOB, type: JobType.SERVICE },
    version: 12n,
    status: JobStatus.DEGRADED,
    submittedAt: secondsAgo(90),
    counts: { desired: 10, running: 4, healthy: 3, starting: 1, failed: 1, lost: 1 },
    unplaced: {
      count: 4,
      reasons: [
        { reason: 'memory: 4096 MiB asked, 512 MiB free at most', nodes: 3 },
        {
          reason: 'constraint: kernel.version must be at least 6.12 for this job, which no node says of itself',
          nodes: 2,
        },
      ],
      hint: 'lower resources.memory to "512MiB"',
    },
  },
  {
    spec: { name: 'transcode', type: JobType.BATCH },
    version: 1n,
    status: JobStatus.RUNNING,
    submittedAt: secondsAgo(7_300),
    counts: { desired: 4, running: 2, healthy: 2, complete: 2 },
  },
];

export const allocations = [
  {
    id: '01KA7Q2M9XW4T0000000000001',
    job: LONG_JOB,
    jobVersion: 12n,
    instance: 9_999,
    nodeId: 'a2f4',
    nodeName: LONG_NODE,
    desired: DesiredState.RUN,
    state: AllocationState.UNHEALTHY,
    message: 'GET /healthz answered 503',
    restarts: 12,
    changedAt: secondsAgo(65),
    createdAt: secondsAgo(400),
    placementReason: 'best of 5 nodes: none of this job there yet, 42 % of memory reserved after',
    ports: { http: 20_001, metrics: 20_002 },
    address: '127.0.0.1',
  },
  {
    id: '01KA7Q2M9XW4V0000000000002',
    job: 'transcode',
    jobVersion: 1n,
    instance: 1,
    nodeId: 'b',
    nodeName: 'node-1',
    desired: DesiredState.STOP,
    state: AllocationState.RUNNING,
    changedAt: secondsAgo(3),
    exitCode: 0,
  },
];

export const nodes = [
  {
    id: 'a2f4c0de-0000-4000-8000-000000000001',
    name: LONG_NODE,
    status: NodeStatus.LOST,
    eligible: true,
    statusMessage: 'No heartbeat for 12 s',
    statusChangedAt: secondsAgo(3_700),
    registeredAt: secondsAgo(200_000),
    agentVersion: '0.1.0',
    httpAddress: '127.0.0.1:7603',
    allocations: 120,
    reserved: { cpuMillis: 12_750, memoryMib: 100_352 },
    inventory: {
      capacity: { cpuMillis: 128_000, memoryMib: 2_097_152 },
      diskFreeMib: 512_000n,
      address: '127.0.0.1',
      portFirst: 20_000,
      portLast: 29_999,
      runtime: 'process',
      attributes: { 'kernel.name': 'linux', 'cpu.architecture': 'x86_64' },
      capabilities: ['device:/dev/fuse', 'device:/dev/kvm', 'exec', 'limit.memory-max'],
    },
  },
  {
    id: 'b',
    name: 'node-1',
    status: NodeStatus.READY,
    eligible: true,
    statusChangedAt: secondsAgo(59),
    agentVersion: '0.1.0',
    allocations: 1,
    reserved: { cpuMillis: 100, memoryMib: 128 },
    inventory: { capacity: { cpuMillis: 2_000, memoryMib: 4_096 } },
  },
  {
    id: 'c',
    name: 'node-2',
    status: NodeStatus.READY,
    statusChangedAt: secondsAgo(5_000),
    agentVersion: '0.1.0',
    drain: { startedAt: secondsAgo(60), deadlineAt: secondsAgo(-3_540), remaining: 1 },
    allocations: 1,
    reserved: { cpuMillis: 100, memoryMib: 128 },
    inventory: { capacity: { cpuMillis: 2_000, memoryMib: 4_096 } },
  },
];

export const problems = [
  {
    severity: Severity.CRITICAL,
    message: `Node "${LONG_NODE}" is lost since 1 h: no heartbeat`,
    advice: 'Look whether the machine runs and reaches the control plane; its allocations were placed elsewhere',
  },
  {
    severity: Severity.WARNING,
    message: 'Member 3 of the control plane does not answer',
    advice: 'Start it again; the control plane can lose no other member until then',
  },
];

export const refused = [
  {
    kind: 'agent',
    cause: 'token-used-up',
    message: 'its token to join with was used as often as it may be',
    advice: 'Give it a new one; for several machines: "cellctl token create --role agent --uses N"',
    count: 1_204n,
    lastAt: secondsAgo(30),
    lastFrom: 'fd00:1234:5678:9abc:def0:1234:5678:9abc',
    addresses: 12,
    goesOn: true,
  },
  {
    kind: 'person',
    cause: 'token-ended',
    message: 'the token has ended',
    advice: 'Who works there needs another: "cellctl token create"',
    count: 1n,
    lastAt: secondsAgo(1_800),
    lastFrom: '10.0.0.17',
    addresses: 1,
    goesOn: false,
  },
];

export const fleet = {
  cluster: 'demo',
  clusterId: 'c-1',
  members,
  leaderId: 2n,
  nodesReady: 2,
  nodesDrained: 1,
  nodesLost: 1,
  jobs,
  problems,
  refused,
  index: 1_234_567n,
};
