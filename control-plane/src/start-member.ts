import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { splitAddress } from '@cell/config';
import type { ConfState, LogStore } from '@cell/raft';
import { openLogStore } from '@cell/raft/storage';
import { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { registerServices, SessionRegistry, serverOptions } from './api/index.ts';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';
import { clusterIdOf } from './consensus/cluster-id.ts';
import { peerServerOptions } from './consensus/peers/channel-options.ts';
import { type RunningConsensus, startConsensus } from './consensus/start-consensus.ts';
import { watchDataSize } from './data-size.ts';
import { startExecutor } from './execute/index.ts';
import { bindServer, shutdownServer } from './grpc-server.ts';
import { startHttpServer } from './http/http-server.ts';
import { addMemberMetrics, createCounters, type MemberCounters } from './http/member-metrics.ts';
import { unreadiness } from './http/readiness.ts';
import { memberRoutes } from './http/routes.ts';
import { scrapeTargets } from './http/service-discovery.ts';
import type { Clock, Consensus, MemberStatus, PeerRequests } from './ports.ts';
import { realClock } from './real-clock.ts';
import { VERSION } from './version.ts';

export interface MemberOptions {
  readonly log: Logger;
  /** The member can't go on, as after a failed write: its process should stop. Called once. */
  readonly onFatal: (error: Error) => void;
  readonly clock?: Clock;
  /** A whole number in [0, below). */
  readonly random?: (below: number) => number;
}

/** A running member of the control plane. */
export interface Member {
  readonly clusterId: string;
  /** Ends it in order; a leader hands over first. Done within some seconds. */
  stop(): Promise<void>;
}

/** Starts a member by its configuration. Rejects with a coded error (`code` begins with CELL_E_), having ended all. */
export async function startMember(config: MemberConfig, options: MemberOptions): Promise<Member> {
  const started = new StartedParts();
  try {
    const parts = { clock: realClock, random: (below: number) => randomInt(below), ...options, config };
    return await assemble(parts, started);
  } catch (error) {
    await started.stop();
    throw error;
  }
}

type Parts = Required<MemberOptions> & { readonly config: MemberConfig };

/** How long a leader that stops may take to hand over. */
const HANDOVER_MS_MAX = 1000;

async function assemble(parts: Parts, started: StartedParts): Promise<Member> {
  const { config, log, clock } = parts;
  const clusterId = clusterIdOf(config.cluster, config.members);
  const identity = { clusterId, memberId: config.id, members: config.members };
  const counters = createCounters();
  const store = await openStore(parts, clusterId, counters);
  const running = await started.add(
    startConsensus({
      identity,
      store,
      heartbeatMs: config.raft.heartbeat,
      electionMs: config.raft.election,
      clock,
      log,
      random: parts.random,
      onOutcome: (outcome) => counters.countProposal(outcome),
      onFatal: parts.onFatal,
    }).catch(async (error: unknown) => {
      await store.close();
      throw error;
    }),
  );
  const duties = startDuties(parts, running, started);
  await listen(parts, running, duties, started);
  await serveHttp(parts, running, duties, counters, started);
  log.info(
    { clusterId, cluster: config.cluster, ...config.listen },
    `Member ${config.id} of cluster "${config.cluster}" is up`,
  );
  return {
    clusterId,
    async stop() {
      await handOver(running.consensus, log);
      await started.stop();
    },
  };
}

/** What has been started, to be stopped in reverse. */
class StartedParts {
  readonly #stops: (() => Promise<void> | void)[] = [];

  async add<T extends { stop(): Promise<void> | void }>(part: Promise<T> | T): Promise<T> {
    const made = await part;
    this.#stops.push(() => made.stop());
    return made;
  }

  onStop(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}

async function openStore({ config, log }: Parts, clusterId: string, counters: MemberCounters): Promise<LogStore> {
  const store = await openLogStore({
    directory: join(config.data, 'raft'),
    identity: { clusterId, nodeId: config.id },
    bootstrap: foundingMembers(config.members.map((member) => member.id)),
    onTornTail: (tail) => log.warn({ tail }, 'The end of the log, which was never acknowledged, was cut off'),
  });
  const append = store.append.bind(store);
  store.append = async (batch) => {
    const startedMs = performance.now();
    await append(batch);
    if (batch.sync) counters.observeFsync((performance.now() - startedMs) / 1000);
  };
  return store;
}

function foundingMembers(voters: readonly number[]): ConfState {
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** What a member does and answers on top of the replicated state. */
interface Duties {
  readonly operators: Server;
  readonly requests: PeerRequests;
  readonly sessions: SessionRegistry;
  readonly dataBytes: () => number;
}

function startDuties(parts: Parts, { consensus, peers }: RunningConsensus, started: StartedParts): Duties {
  const { config, clock, log } = parts;
  const random = () => parts.random(2 ** 32);
  const leases = { leaseMs: config.leases.duration, marginMs: config.leases.margin };
  const data = watchDataSize(config.data, clock);
  started.onStop(data.stop);
  const settings = {
    leaseMs: config.leases.duration,
    heartbeatMs: config.leases.heartbeat,
    controlPlaneAddresses: config.members.map((member) => member.grpc),
  };
  const sessions = new SessionRegistry({ consensus, clock, log, settings });
  const executor = startExecutor({ consensus, peers, clock, log, random, settings: leases, sessions });
  started.onStop(() => executor.stop());
  const operators = new Server(serverOptions);
  started.onStop(() => shutdownServer(operators));
  started.onStop(() => sessions.close(new CellError('CELL_E_PEER_UNREACHABLE', 'Member is stopping; go to another')));
  const ownStatus = () => ownStatusOf(consensus, sessions.size, data.bytes());
  const served = registerServices(operators, {
    consensus,
    peers,
    ownStatus,
    clock,
    log,
    random,
    sessions,
    reports: executor.reports,
    clusterName: config.cluster,
    crashProcess: () => process.kill(process.pid, 'SIGKILL'),
  });
  const requests = { ...served, ownStatus, livenessReported: executor.livenessReported };
  return { operators, requests, sessions, dataBytes: data.bytes };
}

async function listen(
  { config }: Parts,
  running: RunningConsensus,
  { operators, requests }: Duties,
  started: StartedParts,
): Promise<void> {
  const peers = new Server(peerServerOptions);
  running.registerService(peers, requests);
  started.onStop(() => shutdownServer(peers));
  await bindServer(peers, config.listen.peers, 'listen.peers');
  await bindServer(operators, config.listen.grpc, 'listen.grpc');
}

async function serveHttp(
  { config, log }: Parts,
  { consensus, connected }: RunningConsensus,
  { sessions, dataBytes }: Duties,
  counters: MemberCounters,
  started: StartedParts,
): Promise<void> {
  const others = config.members.filter((member) => member.id !== config.id);
  addMemberMetrics(counters.registry, {
    version: VERSION,
    cluster: config.cluster,
    memberId: config.id,
    state: consensus.state,
    status: () => consensus.status(),
    leading: () => consensus.leadership.leading,
    agentSessions: () => sessions.size,
    dataBytes,
    peers: () => others.map(({ id }) => ({ id, connected: connected(id) })),
  });
  const routes = memberRoutes({
    registry: counters.registry,
    unreadiness: () => unreadiness(consensus.leadership, consensus.status()),
    targets: () => scrapeTargets(config.cluster, config.members, consensus.state),
  });
  const { host, port } = splitAddress(config.listen.http)!;
  const onError = (error: unknown, path: string) => log.error({ err: error, path }, 'An HTTP request failed');
  await started.add(startHttpServer({ host, port, routes, onError }));
}

function ownStatusOf(consensus: Consensus, agentSessions: number, dataBytes: number): MemberStatus {
  const { id, role, term, leader, applied, commit, snapshotIndex } = consensus.status();
  return {
    id,
    role: role === 'pre-candidate' ? 'candidate' : role,
    term,
    appliedIndex: applied,
    commitIndex: commit,
    snapshotIndex,
    agentSessions,
    version: VERSION,
    dataBytes,
    leaderId: leader,
  };
}

/** Spares the others the wait for an election. If it fails, they elect as after a crash. */
async function handOver(consensus: Consensus, log: Logger): Promise<void> {
  if (!consensus.leadership.leading) return;
  const others = consensus
    .status()
    .members.filter((member) => member.id !== consensus.memberId && member.recentlyActive);
  const [best] = others.sort((left, right) => right.match - left.match);
  if (best === undefined) return;
  try {
    await consensus.transferLeadership(best.id, HANDOVER_MS_MAX);
    log.info({ to: best.id }, `Handed leadership to member ${best.id}`);
  } catch (error) {
    log.info({ err: error }, 'Leadership was not handed over; the others will elect');
  }
}
