import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { NodeHealth } from '../inventory/read-node-health.ts';
import type { AllocationState } from '../reconcile/model.ts';
import { type IdentitySources, identityMetrics } from './identity-metrics.ts';
import { workloadMetrics } from './workload-metrics.ts';
import type { WorkloadTotals } from './workload-totals.ts';

/** What the metrics are read from when somebody asks for them. */
export interface MetricSources {
  readonly version: string;
  readonly connected: () => boolean;
  readonly leaseRemainingMs: () => number;
  readonly sessionsTotal: () => number;
  readonly allocations: () => ReadonlyMap<AllocationState, number>;
  readonly restartsTotal: () => number;
  readonly generation: () => number;
  readonly nodeHealth: () => Promise<NodeHealth>;
  /** Up to date. */
  readonly workloads: () => Promise<WorkloadTotals>;
  /** Undefined: the node has none. */
  readonly identity: IdentitySources | undefined;
}

const STATES: readonly AllocationState[] = [
  'pending',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'complete',
  'failed',
  'stopped',
];

/** Gauges that prom-client names as counters are named, which promtool refuses. */
const NAMED_LIKE_COUNTERS = ['active_handles', 'active_requests', 'active_resources'].map(
  (what) => `nodejs_${what}_total`,
);

/** A registry with all metrics of an agent. */
export function agentMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  for (const name of NAMED_LIKE_COUNTERS) registry.removeSingleMetric(name);
  const labels = ['version', 'node_version', 'role'];
  const build = new Gauge({
    name: 'cell_build_info',
    help: 'Version of this daemon; always 1',
    labelNames: labels,
    registers,
  });
  build.set({ version: sources.version, node_version: process.version, role: 'agent' }, 1);
  gauge('cell_agent_connected', 'Whether the agent has a session with the control plane', () =>
    sources.connected() ? 1 : 0,
  );
  gauge(
    'cell_agent_lease_remaining_seconds',
    'Time until the lease of the node runs out; 0 once it has',
    () => sources.leaseRemainingMs() / 1_000,
  );
  gauge('cell_agent_generation', 'Raft index of the desired state that the agent has', sources.generation);
  counter('cell_agent_restarts_total', 'Processes started again by the agent', sources.restartsTotal);
  counter('cell_agent_sessions_total', 'Sessions in which the control plane took the agent in', sources.sessionsTotal);
  allocations();
  const { nodeHealth } = sources;
  health('cell_node_memory_available_bytes', 'Memory that new workloads could use without swapping', async () => {
    return (await nodeHealth()).memoryAvailableBytes;
  });
  health('cell_node_disk_free_bytes', "Free space of the file system of the agent's data folder", async () => {
    return (await nodeHealth()).diskFreeBytes;
  });
  workloadMetrics(registry, sources.workloads);
  if (sources.identity !== undefined) identityMetrics(registry, sources.identity);
  health('cell_node_load1', 'Load average of one minute', async () => (await nodeHealth()).load);
  return registry;

  function gauge(name: string, help: string, read: () => number): void {
    void new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  function counter(name: string, help: string, read: () => number): void {
    void new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  function allocations(): void {
    void new Gauge({
      name: 'cell_agent_allocations',
      help: 'Allocations that the agent knows, by their state',
      labelNames: ['state'],
      registers,
      collect() {
        const counts = sources.allocations();
        for (const state of STATES) this.set({ state }, counts.get(state) ?? 0);
      },
    });
  }

  function health(name: string, help: string, read: () => Promise<number>): void {
    void new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  }
}
