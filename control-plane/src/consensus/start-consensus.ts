import { type DiskState, type Driver, type LogStore, RaftError, type RaftErrorCode, startDriver } from '@cell/raft';
import type { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import type { Clock, Consensus, Guard, Leadership, PeerRequests } from '../ports.ts';
import type { StateChange } from '../state/fleet-state.ts';
import { FleetMachine } from './fleet-machine.ts';
import { Forwarder } from './forwarder.ts';
import { LEADERLESS_MS_MAX, LeadershipTracker } from './leadership-tracker.ts';
import { MembershipChanges } from './membership-changes.ts';
import { MembershipForwarder } from './membership-forwarder.ts';
import { GrpcPeers } from './peers/grpc-peers.ts';
import { GrpcTransport } from './peers/grpc-transport.ts';
import { PeerChannels, type PeerSecurity } from './peers/peer-channels.ts';
import type { PeerIdentity } from './peers/peer-identity.ts';
import { type Introductions, type PeerServiceParts, registerPeerService } from './peers/peer-service.ts';
import { noLeader } from './raft-error.ts';
import { replicationOf } from './replication.ts';
import { Submitter, type SubmitterParts } from './submitter.ts';

const SNAPSHOT_EVERY_ENTRIES = 10_000;
const SNAPSHOT_EVERY_BYTES = 64 * 1024 * 1024;
const KEEP_ENTRIES = 5_000;

export interface ConsensusParts {
  readonly identity: PeerIdentity;
  readonly security: PeerSecurity;
  readonly guard: Guard;
  readonly store: LogStore;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** See `leaseReads` of the driver. Default false. */
  readonly leaseReads?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** A whole number in [0, below). */
  readonly random: (below: number) => number;
  readonly onOutcome: SubmitterParts['onOutcome'];
  /** The member can't go on: its process must stop. */
  readonly onFatal: (error: Error) => void;
  /** A peer says that this member was removed: it must not come back. */
  readonly onRemoved: (error: CellError) => void;
}

export interface RunningConsensus {
  readonly consensus: Consensus;
  readonly peers: GrpcPeers;
  /** Whether our stream of Raft messages to the peer stands. */
  connected(peer: number): boolean;
  /** Bytes of Raft messages that the connection to the peer has not taken yet. */
  bufferedBytes(peer: number): number;
  /** Why members can't be reached: sentences. */
  peerProblems(): readonly string[];
  /** Changes that have no outcome yet. */
  pendingChanges(): { readonly commands: number; readonly bytes: number };
  /** Adds to a server what peers call here. */
  registerService(server: Server, requests: PeerRequests, introductions?: Introductions): void;
  /** Ends connections and closes the store. */
  stop(): Promise<void>;
}

/** Starts this member of the replicated state. It takes part once its peers can call `registerService`'s server. */
export async function startConsensus(parts: ConsensusParts): Promise<RunningConsensus> {
  const { identity, security, clock, log, store } = parts;
  const random = () => parts.random(2 ** 32) / 2 ** 32;
  const channels = new PeerChannels(identity, security);
  const { onRemoved } = parts;
  const transport = new GrpcTransport({ identity, security, channels, clock, log, random, onRemoved });
  const peers = new GrpcPeers(identity, channels, () => clock.wallMs());
  const leadership = new LeadershipTracker();
  const listeners = new Set<(change: StateChange | 'replaced') => void>();
  const changed = (change: StateChange | 'replaced') => {
    if (change === 'replaced') forwarder?.replaced();
    // Later than the apply that it tells of, so that what listeners propose never runs inside an apply.
    queueMicrotask(() => {
      for (const listener of listeners) listener(change);
    });
  };
  let forwarder: Forwarder | undefined;
  const machine = new FleetMachine({ changed, applied: (command, result) => forwarder?.applied(command, result) });
  const driver: Driver = await startDriver({
    id: identity.memberId,
    store,
    transport,
    machine,
    timers: clock,
    random: parts.random,
    heartbeatMs: parts.heartbeatMs,
    electionMs: parts.electionMs,
    leaseReads: parts.leaseReads ?? false,
    snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
    snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
    keepEntries: KEEP_ENTRIES,
    onFatal: parts.onFatal,
    onDisk: (disk) => sayDisk(log, disk),
    onSoftState: (state, term) => leadership.update(state, term),
  });
  transport.reportTo((peer) => driver.onUnreachable(peer));
  forwarder = new Forwarder({ driver, peers, leadership, clock });
  const origin = `${identity.memberId}.${parts.random(2 ** 32).toString(36)}`;
  const { onOutcome } = parts;
  const submitter = new Submitter({ driver, peers, forwarder, leadership, clock, origin, onOutcome });
  const changes = new MembershipChanges({
    driver,
    state: machine.state,
    clock,
    log,
    electionMs: parts.electionMs,
    propose: (command) => submitter.propose(command),
  });
  const replication = () => replicationOf(driver.status());
  const membership = new MembershipForwarder({ changes, ownReplication: replication, peers, leadership, clock });
  const consensus: Consensus = {
    memberId: identity.memberId,
    clusterId: identity.clusterId,
    state: machine.state,
    get disk(): DiskState {
      return driver.disk;
    },
    get leadership(): Leadership {
      return leadership.current;
    },
    submit: (command, timeoutMs) => submitter.submit(command, timeoutMs),
    propose: (command) => submitter.propose(command),
    readBarrier: (timeoutMs) => readBarrier(driver, leadership, clock, timeoutMs),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onLeadership: (listener) => leadership.listen(listener),
    transferLeadership: (to, timeoutMs) => transferLeadership(driver, to, timeoutMs),
    changeMembership: (change, timeoutMs) => membership.change(change, timeoutMs),
    replication: (timeoutMs) => membership.replication(timeoutMs),
    status: () => driver.status(),
  };
  return {
    consensus,
    peers,
    connected: (peer) => transport.connected(peer),
    bufferedBytes: (peer) => transport.bufferedBytes(peer),
    peerProblems: () => transport.problems,
    pendingChanges: () => submitter.pending,
    registerService(server, requests, introductions) {
      peers.answerOwn(requests);
      const propose: PeerServiceParts['propose'] = (term, commands) => submitter.proposeForwarded(term, commands);
      // After a restart its messages to us come at once; ours must not wait for the next attempt to reach it.
      const onPeerUp = (peer: number) => {
        channels.peerIsUp(peer);
        transport.peerIsUp(peer);
      };
      const raft = driver;
      const answers = { propose, requests, introductions, replication };
      const changeMembership: PeerServiceParts['changeMembership'] = (change) => changes.change(change);
      registerPeerService(server, {
        identity,
        guard: parts.guard,
        clock,
        log,
        raft,
        onPeerUp,
        changeMembership,
        ...answers,
      });
    },
    async stop() {
      await driver.stop();
      transport.close();
      channels.close();
      await store.close();
    },
  };
}

function sayDisk(log: Logger, disk: DiskState): void {
  if (disk === 'ok') log.info('There is room on the disk again: this member takes changes');
  else log.error({ code: 'CELL_E_DISK_FULL' }, 'Disk is full: this member takes no changes until there is room again');
}

const READ_CODES: Readonly<Partial<Record<RaftErrorCode, CellErrorCode>>> = {
  overloaded: 'CELL_E_OVERLOADED',
  'disk-full': 'CELL_E_DISK_FULL',
};

async function readBarrier(
  driver: Driver,
  leadership: LeadershipTracker,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  const waitMs = Math.min(timeoutMs, LEADERLESS_MS_MAX);
  if (!(await leadership.known(clock, waitMs))) throw noLeader(waitMs);
  try {
    await driver.readBarrier(Math.max(1, timeoutMs - (clock.monotonicMs() - startedMs)));
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    if (leadership.current.leaderId === 0) throw noLeader(timeoutMs, error);
    const code = READ_CODES[error.code] ?? 'CELL_E_TIMEOUT';
    throw new CellError(code, `Cannot read what was written last: ${error.message}`, { cause: error });
  }
}

async function transferLeadership(driver: Driver, to: number, timeoutMs: number): Promise<void> {
  try {
    await driver.transferLeadership(to, timeoutMs);
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    const code = error.code === 'not-leader' ? 'CELL_E_NOT_LEADER' : 'CELL_E_TIMEOUT';
    throw new CellError(code, `Cannot hand leadership to member "${to}": ${error.message}`, { cause: error });
  }
}
