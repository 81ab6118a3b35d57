import {
  fixedIdentity,
  GrpcTransport,
  PeerChannels,
  type PeerIdentity,
  peerServerOptions,
  registerPeerService,
} from '@cell/control-plane/peers';
import { believingGuard } from '@cell/control-plane/testing';
import {
  type ConfState,
  type Driver,
  type Entry,
  openLogStore,
  type RaftStatus,
  type StateMachine,
  startDriver,
} from '@cell/raft';
import { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { benchTransport } from './bench-security.ts';
import { type LoadRequest, type LoadResult, runLoad } from './load.ts';

/** What the parent says. */
export type MemberOrders = { readonly kind: 'load'; readonly load: LoadRequest } | { readonly kind: 'stop' };

/** What it is told. */
export type MemberNews =
  | { readonly kind: 'up' }
  | { readonly kind: 'leader'; readonly leading: boolean }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };

export interface BenchMember {
  status(): RaftStatus;
  /** On the leader: makes another a learner. */
  add(id: number): Promise<unknown>;
  run(load: LoadRequest): Promise<LoadResult>;
  stop(): Promise<void>;
}

export const CLUSTER_ID = 'bench';

const NO_CONTEXT = new Uint8Array(0);

const READ_MS_MAX = 10_000;

/** The product's defaults. */
export const RAFT_SETTINGS = {
  heartbeatMs: 50,
  electionMs: 400,
  snapshotEveryEntries: 10_000,
  snapshotEveryBytes: 64 * 1024 * 1024,
  keepEntries: 5_000,
} as const;

export function foundingMembers(count: number): ConfState {
  const voters = Array.from({ length: count }, (_, place) => place + 1);
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

export interface BenchMemberParts {
  readonly id: number;
  /** For its log. */
  readonly folder: string;
  /** "host:port" for peers, of all members in the order of their ids, which count from 1. */
  readonly addresses: readonly string[];
  /** As in `securityWord`. */
  readonly security: string;
  /** Default: one that only counts. */
  readonly machine?: StateMachine;
  /** So many members found the cluster; the others are to be added. Default: all. */
  readonly founders?: number;
  readonly snapshotEveryEntries?: number;
}

export async function startBenchMember({
  id,
  folder,
  addresses,
  security,
  machine = new CountingMachine(),
  founders = addresses.length,
  snapshotEveryEntries = RAFT_SETTINGS.snapshotEveryEntries,
}: BenchMemberParts): Promise<BenchMember> {
  const members = addresses.map((peers, place) => ({ id: place + 1, grpc: '', peers, http: '' }));
  const identity = fixedIdentity(CLUSTER_ID, id, members);
  const log = pino({ level: 'silent' });
  const connections = await benchTransport(security, id, clock, log);
  const transport = new GrpcTransport({
    identity,
    security: connections,
    channels: new PeerChannels(identity, connections),
    clock,
    log,
    random: Math.random,
  });
  const driver = await startDriver({
    ...RAFT_SETTINGS,
    snapshotEveryEntries,
    id,
    store: await openLogStore({
      directory: folder,
      identity: { clusterId: CLUSTER_ID, nodeId: id },
      bootstrap: id > founders ? undefined : foundingMembers(founders),
    }),
    transport,
    machine,
    timers: clock,
    random: (below) => Math.floor(Math.random() * below),
    onFatal: (error) => {
      throw error;
    },
    onSoftState: ({ role }) => process.send?.({ kind: 'leader', leading: role === 'leader' }),
  });
  transport.reportTo((peer) => driver.onUnreachable(peer));
  await connections.listen(peerServer(identity, driver), addresses[id - 1] as string, 'listen.peers');
  return {
    status: () => driver.status(),
    add: (other) =>
      driver.changeMembership({
        transition: 'auto',
        changes: [{ type: 'add-learner', node: other }],
        context: NO_CONTEXT,
      }),
    run: (load) => {
      const value = new Uint8Array(load.valueBytes).fill(0x76);
      // A buffer of its own each: the log keeps it.
      const propose = () => driver.propose(value.slice());
      const read = () => driver.readBarrier(READ_MS_MAX);
      return runLoad(load.operation === 'reads' ? read : propose, load);
    },
    stop: () => driver.stop(),
  };
}

function peerServer(identity: PeerIdentity, driver: Driver): Server {
  const server = new Server(peerServerOptions);
  const refuse = (): never => {
    throw new Error('Members under measurement exchange messages of Raft only');
  };
  registerPeerService(server, {
    identity,
    guard: believingGuard(),
    clock,
    log: pino({ level: 'silent' }),
    raft: driver,
    propose: refuse,
    changeMembership: refuse,
    replication: refuse,
    requests: {
      livenessReported: refuse,
      ownStatus: refuse,
      openLogs: refuse,
      openExec: refuse,
      usage: refuse,
      crash: refuse,
      transferLeadership: refuse,
      recover: refuse,
      keySent: refuse,
    },
  });
  return server;
}

/** Applying costs nothing here: what is measured is consensus. */
class CountingMachine implements StateMachine {
  #count = 0;

  apply(entries: readonly Entry[]): readonly unknown[] {
    return entries.map(() => {
      this.#count += 1;
      return this.#count;
    });
  }

  async *capture(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(String(this.#count));
  }

  async restore(_meta: unknown, data: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const piece of data) text += new TextDecoder().decode(piece);
    this.#count = Number(text);
  }
}

const clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every(periodMs: number, callback: () => void) {
    const timer = setInterval(callback, periodMs);
    return () => clearInterval(timer);
  },
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
