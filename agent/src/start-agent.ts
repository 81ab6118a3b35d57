import { HttpAccess } from '@cell/config';
import { describeAgent } from './agent-status.ts';
import type { AgentConfig } from './config/agent-config.ts';
import { AllocationManager } from './execute/allocation-manager.ts';
import { agentMetrics } from './http/agent-metrics.ts';
import { type HttpServer, serveHttp } from './http/serve-http.ts';
import { WorkloadTotals } from './http/workload-totals.ts';
import { NodeIdentity } from './identity/node-identity.ts';
import { readInventory } from './inventory/read-inventory.ts';
import { readNodeHealth } from './inventory/read-node-health.ts';
import { type ConfirmedHeartbeat, LeaseClock } from './link/lease-clock.ts';
import { LogSender } from './link/send-logs.ts';
import { ExecServer } from './link/serve-exec.ts';
import { SessionLink } from './link/session-link.ts';
import type { Clock, LinkSecurity, Log, Random, Runtime, Usage } from './ports.ts';
import { realClock } from './real-clock.ts';
import { openRuntime } from './runtime/open-runtime.ts';
import { readBootId } from './runtime/process/process-identity.ts';
import { fetchSecrets } from './secrets/fetch-secrets.ts';
import { openSecrets } from './secrets/open-secrets.ts';
import { sessionHandler } from './session-handler.ts';
import { AgentStore } from './state/agent-store.ts';
import { agentVersion } from './version.ts';

/** What tests and development put in the place of the real thing. */
export interface AgentOverrides {
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly runtime?: Runtime;
  /** Then the node has no identity of its own, and joins nothing. */
  readonly security?: LinkSecurity;
}

/** An agent that works. */
export interface Agent {
  readonly nodeId: string;
  /** "host:port" of its /metrics. */
  readonly httpAddress: string;
  /** How it is, for people: a clause. */
  status(): string;
  /** Ends the agent; what it runs runs on. */
  close(): Promise<void>;
}

/** A part that must be let go of. */
interface Closable {
  close(): unknown;
}

const LEASE_LOOK_PERIOD_MS = 250;
/** Of what is left of a certificate: so long streams may go on that were begun with it. */
const REDIAL_SHARE_MAX = 0.8;

/** Starts an agent. Rejects with `AgentError`; then nothing of it is left. */
export async function startAgent(config: AgentConfig, overrides: AgentOverrides): Promise<Agent> {
  const opened: Closable[] = [];
  const keep = <T extends Closable>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0)) await part.close();
  };
  try {
    return await start(config, overrides, keep, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  config: AgentConfig,
  { log, clock = realClock, random = Math.random, runtime: given, security }: AgentOverrides,
  keep: <T extends Closable>(part: T) => T,
  close: () => Promise<void>,
): Promise<Agent> {
  const { address } = config;
  const store = keep(await AgentStore.open(config.data));
  const runtime = keep(given ?? (await openRuntime(config, clock)));
  const lease = new LeaseClock(await lastConfirmed(store), clock.monotonicMs());
  const leaseValid = (): boolean => lease.remainingMs(clock.monotonicMs()) > 0;
  const node = { name: config.name, address, path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' };
  const links: { link?: SessionLink } = {};
  const { nodeId } = store.node;
  const addresses = (): readonly string[] => links.link?.addresses ?? config.controlPlane;
  const parts = { ...config, nodeId, nodeName: config.name, addresses, clock, random, log };
  const identity = security === undefined ? keep(await NodeIdentity.open(parts)) : undefined;
  const own = security ?? identity!;
  const secrets = await openSecrets({ runtime: runtime.name, data: config.data }, log, (id) => {
    const { client, member = '' } = links.link ?? {};
    return fetchSecrets({ client, member, addresses: addresses() }, own, id);
  });
  const manager = keep(
    await AllocationManager.open({ runtime, store, clock, random, log, node, secrets }, leaseValid()),
  );
  const leaseChanged = (): void => manager.setLease(leaseValid());
  const capabilities = await runtime.capabilities();
  const inventory = await readInventory({ ...config, address, runtime: runtime.name, capabilities });
  const logs = keep(new LogSender(log));
  const commands = keep(new ExecServer(log));
  const workloads = new WorkloadTotals();
  // Also counted with every heartbeat, so that little is missed of what runs only shortly.
  const usage = async (): Promise<ReadonlyMap<string, Usage>> => {
    const used = await manager.usage();
    workloads.take(used, (id) => manager.jobOf(id));
    return used;
  };
  const http: { server?: HttpServer } = {};
  const handler = sessionHandler({
    config,
    store,
    manager,
    lease,
    inventory,
    logs,
    commands,
    log,
    leaseChanged,
    usage,
    httpAddress: () => http.server!.address,
    trust: (trust) => identity?.trusted(trust),
  });
  const link = keep(
    new SessionLink({
      addresses: config.controlPlane,
      handler,
      security: own,
      streams: () => logs.streams + commands.streams,
      onUnauthenticated: () => identity?.refused(),
      clock,
      random,
      log,
    }),
  );
  links.link = link;
  manager.onReport((report) => link.report(report));
  const metrics = agentMetrics({
    identity,
    version: agentVersion,
    connected: () => link.connected,
    leaseRemainingMs: () => lease.remainingMs(clock.monotonicMs()),
    sessionsTotal: () => link.sessionsTotal,
    allocations: () => manager.counts(),
    restartsTotal: () => manager.restartsTotal,
    generation: () => store.node.generation,
    nodeHealth: () => readNodeHealth(config.data),
    workloads: async () => {
      await usage();
      return workloads;
    },
  });
  const problem = (): string => (identity === undefined || identity.problem === '' ? link.problem : identity.problem);
  const notReady = (): string =>
    link.connected ? '' : `The agent has no session with the control plane. ${problem()}`;
  const onProblem = (why: string): void => log.warn({}, why);
  const access = new HttpAccess({ ...config.http, monotonicMs: () => clock.monotonicMs(), onProblem });
  const refusal = access.refusal.bind(access);
  http.server = keep(await serveHttp(config.listenHttp, { metrics, notReady, refusal }));
  keep({ close: clock.every(LEASE_LOOK_PERIOD_MS, leaseChanged) });
  startLink(link, identity, clock);
  log.info({ nodeId, http: http.server.address }, 'The agent works');
  const status = (): string => describeAgent(manager.counts(), link, identity?.problem);
  return { nodeId, httpAddress: http.server.address, status, close };
}

/** As soon as the node has a certificate, and anew whenever it has another one. */
function startLink(link: SessionLink, identity: NodeIdentity | undefined, clock: Clock): void {
  if (identity === undefined) {
    link.start();
    return;
  }
  identity.onRenewal((replaced) => {
    const leftMs = replaced.obtainedAtMs + replaced.lifetimeMs - clock.wallMs();
    link.redial(leftMs * REDIAL_SHARE_MAX);
  });
  identity.start(() => link.start());
}

/** Of an earlier process of the same boot: the monotonic clock goes on across processes, not across boots. */
async function lastConfirmed(store: AgentStore): Promise<ConfirmedHeartbeat | undefined> {
  const stored = await store.loadLease();
  return stored?.bootId === readBootId() ? stored : undefined;
}
