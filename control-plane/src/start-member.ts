import { randomInt } from 'node:crypto';
import type { ConfState, LogStore } from '@cell/raft';
import { openLogStore } from '@cell/raft/storage';
import type { Logger } from 'pino';
import { guardedServer } from './add-service.ts';
import { registerServices, SessionRegistry, serverOptions } from './api/index.ts';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';
import { MemberDirectory } from './consensus/peers/member-directory.ts';
import type { PeerIdentity } from './consensus/peers/peer-identity.ts';
import { type RunningConsensus, startConsensus } from './consensus/start-consensus.ts';
import { type DataSize, watchDataSize } from './data-size.ts';
import { startExecutor } from './execute/index.ts';
import type { IdentityStore } from './founding/identity-store.ts';
import { writeFounders } from './founding/write-founders.ts';
import { addMemberMetrics, createCounters, type MemberCounters } from './http/member-metrics.ts';
import { addMemoryMetrics } from './http/memory-metrics.ts';
import { describeMember, type MemberStanding, unreadiness } from './http/readiness.ts';
import { scrapeTargets } from './http/service-discovery.ts';
import { shutdownServer } from './listen/index.ts';
import { type Entrance, makeClusterId, openEntrance } from './member-entrance.ts';
import type { MemberSecurity } from './member-security.ts';
import type {
  Clock,
  Consensus,
  Guard,
  Listener,
  MemberStatus,
  PeerRequests,
  Recovery,
  RecoveryPlan,
  Transport,
} from './ports.ts';
import { realClock } from './real-clock.ts';
import { QuorumRecovery } from './recovery/quorum-recovery.ts';
import { StartedParts } from './started-parts.ts';
import { VERSION } from './version.ts';

export interface MemberOptions {
  readonly log: Logger;
  /** The member can't go on, as after a failed write: its process should stop. Called once. */
  readonly onFatal: (error: Error) => void;
  readonly clock?: Clock;
  /** A whole number in [0, below). */
  readonly random?: (below: number) => number;
  /** Aborted to end a start that waits for other members; `startMember` then rejects with `CELL_E_STOPPED`. */
  readonly signal?: AbortSignal;
  /** Instead of mutual TLS: for tests and measurements. */
  readonly transport?: Transport;
  /** Instead of rights by certificates and tokens: for tests and measurements. */
  readonly guard?: Guard;
  /** People have decided to go on with this member alone: stop it, call `recoverMember`, and start it again. */
  readonly onRecovery?: ((plan: RecoveryPlan) => void) | undefined;
  /** Told as soon as it can be asked how the member is. */
  readonly onStanding?: (standing: () => MemberStanding) => void;
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
    const { signal } = new AbortController();
    const random = (below: number) => randomInt(below);
    const parts = { clock: realClock, random, signal, ...options, config };
    return await assemble(parts, started);
  } catch (error) {
    await started.stop();
    throw error;
  }
}

type Parts = MemberOptions &
  Required<Pick<MemberOptions, 'clock' | 'random' | 'signal'>> & { readonly config: MemberConfig };

/** How long a leader that stops may take to hand over. */
const HANDOVER_MS_MAX = 1000;

/** A member that was removed ends so long after it learned of it: answers that are under way get out. */
const REMOVED_END_MS = 1000;

async function assemble(parts: Parts, started: StartedParts): Promise<Member> {
  const { config, log } = parts;
  const counters = createCounters();
  const entrance = await openEntrance(parts, counters.registry, started);
  const { security } = entrance;
  const { clusterId, members } = await entrance.enter();
  entrance.waitFor('Reading the log');
  const store = await openStore(parts, entrance.identities, counters);
  const directory = new MemberDirectory(members);
  const running = await started.add(
    startRaft(parts, entrance, directory, store, counters).catch(async (error: unknown) => {
      await store.close();
      throw error;
    }),
  );
  started.onStop(entrance.closePeerServer);
  security.takesPart(running.consensus);
  followMembers(parts, entrance.identities, directory, running, started);
  const duties = startDuties(parts, security, running, directory, store, started);
  running.registerService(entrance.peerServer, duties.requests, entrance.reception);
  entrance.reception.takesPart(running.consensus, () => directory.members);
  await duties.listen();
  serveHttp(parts, running, directory, duties, counters, entrance);
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

function startRaft(
  parts: Parts,
  { identities, security }: Entrance,
  directory: MemberDirectory,
  store: LogStore,
  counters: MemberCounters,
): Promise<RunningConsensus> {
  const { config, clock, log } = parts;
  const { clusterId, incarnation } = identities.identity;
  let consensus: Consensus | undefined;
  const identity: PeerIdentity = {
    clusterId,
    memberId: config.id,
    incarnation,
    peerAddress: config.members.find(({ id }) => id === config.id)!.peers,
    directory,
    formerClusterIds: () => formerClusterIds(identities, consensus),
  };
  const starting = startConsensus({
    identity,
    security: security.transport,
    guard: security.guard,
    store,
    heartbeatMs: config.raft.heartbeat,
    electionMs: config.raft.election,
    leaseReads: config.raft.lease_reads,
    clock,
    log,
    random: parts.random,
    onOutcome: (outcome) => counters.countProposal(outcome),
    onFatal: parts.onFatal,
    onRemoved: (error) => endRemoved(parts, identities, error),
  });
  return starting.then((running) => {
    consensus = running.consensus;
    return running;
  });
}

function formerClusterIds(identities: IdentityStore, consensus: Consensus | undefined): readonly string[] {
  const told = consensus?.state.recoveries.map(({ formerClusterId }) => formerClusterId) ?? [];
  return [...identities.identity.formerClusterIds, ...told];
}

/** Notes for all later starts that this member is out, and ends it. */
function endRemoved({ onFatal, clock, log }: Parts, identities: IdentityStore, error: CellError): void {
  if (identities.identity.removed) return;
  const noted = identities.update((own) => ({ ...own, removed: true }));
  noted.catch((cause: unknown) => log.error({ err: cause }, 'Could not note that this member was removed'));
  clock.after(REMOVED_END_MS, () => onFatal(error));
}

/** Keeps the directory as the replicated table is. */
function followMembers(
  parts: Parts,
  identities: IdentityStore,
  directory: MemberDirectory,
  { consensus }: RunningConsensus,
  started: StartedParts,
): void {
  const { config, clock, log } = parts;
  const follow = () => {
    directory.follow(consensus.state.members);
    const { conf } = consensus.status();
    // Until its removal from the membership is applied here, the others may need its vote.
    if (!directory.removed(config.id) || [...conf.voters, ...conf.learners].includes(config.id)) return;
    const message =
      `Member "${config.id}" was removed from the control plane. To use the machine again, add it with an id that ` +
      'was never used and an empty data folder';
    endRemoved(parts, identities, new CellError('CELL_E_REMOVED', message));
  };
  started.onStop(
    consensus.onChange((change) => {
      if (change === 'replaced' || change.members.length > 0) follow();
    }),
  );
  follow();
  const { origin, members } = identities.identity;
  const founders = origin === 'founded' ? members : [];
  started.onStop(writeFounders({ consensus, clock, log, founders }));
}

function makeRecovery(parts: Parts, { consensus, peers }: RunningConsensus, store: LogStore): Recovery {
  const { log, clock, onRecovery } = parts;
  const lastTerm = () => store.term(store.lastIndex());
  return new QuorumRecovery({ consensus, peers, lastTerm, clusterId: makeClusterId(), log, clock, begin: onRecovery });
}

async function openStore(
  { config, log }: Parts,
  identities: IdentityStore,
  counters: MemberCounters,
): Promise<LogStore> {
  const { clusterId, origin, members, logMade } = identities.identity;
  const store = await openLogStore({
    directory: identities.logFolder,
    identity: { clusterId, nodeId: config.id },
    bootstrap: origin === 'founded' ? foundingMembers(members.map((member) => member.id)) : undefined,
    onTornTail: (tail) => log.warn({ tail }, 'The end of the log, which was never acknowledged, was cut off'),
  });
  if (!logMade) {
    // Before it can vote: from now on it must not take part without this log.
    await identities
      .update((own) => ({ ...own, logMade: true }))
      .catch(async (error: unknown) => {
        await store.close();
        throw error;
      });
  }
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
  /** Takes calls of people and agents from now on. */
  readonly listen: () => Promise<void>;
  readonly requests: PeerRequests;
  readonly sessions: SessionRegistry;
  readonly data: DataSize;
}

function startDuties(
  parts: Parts,
  { authority, guard, transport }: MemberSecurity,
  running: RunningConsensus,
  directory: MemberDirectory,
  store: LogStore,
  started: StartedParts,
): Duties {
  const { config, clock, log } = parts;
  const { consensus, peers } = running;
  const random = () => parts.random(2 ** 32);
  const certificateLifetimeMs = config.certificates.lifetime;
  const times = { leaseMs: config.leases.duration, marginMs: config.leases.margin, certificateLifetimeMs };
  const data = watchDataSize(config.data, clock);
  started.onStop(data.stop);
  const settings = {
    leaseMs: config.leases.duration,
    heartbeatMs: config.leases.heartbeat,
    get controlPlaneAddresses() {
      return directory.members.map((member) => member.grpc).filter((address) => address !== '');
    },
  };
  const sessions = new SessionRegistry({ consensus, clock, log, settings });
  const executor = startExecutor({ consensus, peers, clock, log, random, settings: times, sessions });
  started.onStop(() => executor.stop());
  const operators = guardedServer(serverOptions, guard);
  let listener: Listener | undefined;
  started.onStop(() => {
    listener?.close();
    return shutdownServer(operators);
  });
  started.onStop(() => sessions.close(new CellError('CELL_E_PEER_UNREACHABLE', 'Member is stopping; go to another')));
  const lastTerm = () => store.term(store.lastIndex());
  const ownStatus = () => ownStatusOf(consensus, sessions.size, data, lastTerm());
  const served = registerServices(operators, {
    consensus,
    peers,
    ownStatus,
    clock,
    log,
    random,
    sessions,
    reports: executor.reports,
    guard,
    vault: authority,
    issuer: authority,
    certificateLifetimeMs,
    connections: { connection: (peer) => transport.connection(peer), cut: (chosen) => listener?.cut(chosen) },
    clusterName: config.cluster,
    recovery: makeRecovery(parts, running, store),
    crashProcess: () => process.kill(process.pid, 'SIGKILL'),
  });
  started.onStop(() => served.stop());
  const requests = { ...served, ownStatus, livenessReported: executor.livenessReported };
  const listen = async () => {
    listener = await transport.listen(operators, config.listen.grpc, 'listen.grpc');
  };
  return { listen, requests, sessions, data };
}

function serveHttp(
  { config }: Parts,
  running: RunningConsensus,
  directory: MemberDirectory,
  { sessions, data }: Duties,
  { registry }: MemberCounters,
  entrance: Entrance,
): void {
  const { consensus, connected, bufferedBytes, pendingChanges, peerProblems } = running;
  const others = () => directory.members.filter((member) => member.id !== config.id);
  addMemberMetrics(registry, {
    version: VERSION,
    cluster: config.cluster,
    memberId: config.id,
    state: consensus.state,
    status: () => consensus.status(),
    leading: () => consensus.leadership.leading,
    agentSessions: () => sessions.size,
    dataBytes: data.bytes,
    diskFreeBytes: data.freeBytes,
    peers: () => others().map(({ id }) => ({ id, connected: connected(id) })),
  });
  addMemoryMetrics(registry, {
    memory: () => consensus.status().memory,
    pendingChanges,
    peers: () => others().map(({ id }) => ({ id, bufferedBytes: bufferedBytes(id) })),
  });
  entrance.serve({
    unreadiness: () => unreadiness(consensus.leadership, consensus.status(), consensus.state, peerProblems()),
    targets: () => scrapeTargets(config.cluster, directory.members, consensus.state),
    description: () => describeMember(consensus.leadership, consensus.memberId, sessions.size),
  });
}

function ownStatusOf(consensus: Consensus, agentSessions: number, data: DataSize, lastTerm: number): MemberStatus {
  const { id, role, term, leader, applied, commit, snapshotIndex, lastIndex } = consensus.status();
  return {
    id,
    role: role === 'pre-candidate' ? 'candidate' : role,
    term,
    appliedIndex: applied,
    commitIndex: commit,
    snapshotIndex,
    agentSessions,
    version: VERSION,
    dataBytes: data.bytes(),
    diskFreeBytes: data.freeBytes(),
    diskFull: consensus.disk === 'full',
    leaderId: leader,
    lastIndex,
    lastTerm,
  };
}

/** Spares the others the wait for an election. If it fails, they elect as after a crash. */
async function handOver(consensus: Consensus, log: Logger): Promise<void> {
  if (!consensus.leadership.leading) return;
  const others = consensus
    .status()
    .members.filter((member) => member.id !== consensus.memberId && !member.learner && member.recentlyActive);
  const [best] = others.sort((left, right) => right.match - left.match);
  if (best === undefined) return;
  try {
    await consensus.transferLeadership(best.id, HANDOVER_MS_MAX);
    log.info({ to: best.id }, `Handed leadership to member ${best.id}`);
  } catch (error) {
    log.info({ err: error }, 'Leadership was not handed over; the others will elect');
  }
}
