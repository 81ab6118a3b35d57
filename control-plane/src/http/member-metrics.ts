import type { RaftStatus } from '@cell/raft';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FleetState } from '../state/fleet-state.ts';
import { addFleetMetrics } from './fleet-metrics.ts';
import { addMembershipMetrics } from './membership-metrics.ts';

export interface MetricSources {
  readonly version: string;
  readonly cluster: string;
  readonly memberId: number;
  readonly state: FleetState;
  readonly status: () => RaftStatus;
  readonly leading: () => boolean;
  readonly agentSessions: () => number;
  readonly dataBytes: () => number;
  /** Undefined while it is unknown. */
  readonly diskFreeBytes: () => number | undefined;
  readonly peers: () => readonly { readonly id: number; readonly connected: boolean }[];
}

/** What is counted while it happens, as opposed to read when it is scraped. */
export interface MemberCounters {
  readonly registry: Registry;
  countProposal(outcome: string): void;
  observeFsync(durationSeconds: number): void;
}

/** Its own names for gauges end in _total, which Prometheus keeps for counters. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const FSYNC_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** Made first, so that the parts that count can be made with it. */
export function createCounters(): MemberCounters {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  // Counted by the outcome as it comes: the library's own way from labels to counts would be taken for each change.
  const outcomes = new Map([['applied', 0]]);
  new Counter({
    name: 'cell_raft_proposals_total',
    help: 'Changes that this member was asked to have written, by what came of them.',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      // 'CELL_E_NO_LEADER' -> 'no_leader'; codes are few, so the label is bounded.
      for (const [outcome, count] of outcomes)
        this.inc({ outcome: outcome.replace(/^CELL_E_/, '').toLowerCase() }, count);
    },
  });
  const fsync = new Histogram({
    name: 'cell_raft_fsync_seconds',
    help: 'Time to make a batch of the log durable.',
    buckets: FSYNC_BUCKETS_SECONDS,
    registers: [registry],
  });
  return {
    registry,
    countProposal: (outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1),
    observeFsync: (durationSeconds) => fsync.observe(durationSeconds),
  };
}

/** Adds what is read from the member whenever it is scraped. */
export function addMemberMetrics(registry: Registry, sources: MetricSources): void {
  addIdentity(registry, sources);
  addRaft(registry, sources);
  addMembershipMetrics(registry, sources.status);
  addFleetMetrics(registry, sources.state);
  gauge(registry, 'cell_agent_sessions', 'Agents that are connected to this member.', sources.agentSessions);
  gauge(registry, 'cell_data_bytes', "Bytes in this member's data folder.", sources.dataBytes);
  const diskFree = "Bytes that are free on the disk with this member's data folder; NaN while that is unknown.";
  gauge(registry, 'cell_disk_free_bytes', diskFree, () => sources.diskFreeBytes() ?? Number.NaN);
}

function addIdentity(registry: Registry, { version, cluster, memberId }: MetricSources): void {
  const labels = { version, role: 'control-plane', cluster, member: String(memberId) };
  new Gauge({
    name: 'cell_build_info',
    help: 'Always 1; its labels tell which program this is.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
}

function addRaft(registry: Registry, { status, leading, peers }: MetricSources): void {
  gauge(registry, 'cell_raft_term', 'Raft term of this member.', () => status().term);
  gauge(registry, 'cell_raft_is_leader', '1 if this member is the leader, else 0.', () => (leading() ? 1 : 0));
  gauge(registry, 'cell_raft_has_leader', '1 if this member knows a leader, else 0.', () => Math.sign(status().leader));
  gauge(registry, 'cell_raft_applied_index', 'Highest log index that is applied here.', () => status().applied);
  gauge(registry, 'cell_raft_commit_index', 'Highest log index known to be committed.', () => status().commit);
  gauge(registry, 'cell_raft_last_index', 'Highest log index that is stored here.', () => status().lastIndex);
  gauge(registry, 'cell_raft_snapshot_index', 'Log index of the newest snapshot here.', () => status().snapshotIndex);
  gauge(registry, 'cell_raft_disk_full', '1 if there is no room on the disk for the log, else 0.', () =>
    status().disk === 'full' ? 1 : 0,
  );
  const connected = new Gauge({
    name: 'cell_raft_peer_connected',
    help: '1 if the stream of Raft messages to the peer stands, else 0.',
    labelNames: ['peer'],
    registers: [registry],
    collect: () => {
      connected.reset();
      for (const peer of peers()) connected.set({ peer: String(peer.id) }, peer.connected ? 1 : 0);
    },
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const made: Gauge = new Gauge({ name, help, registers: [registry], collect: () => made.set(read()) });
}
