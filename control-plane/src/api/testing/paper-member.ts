/** A member's services on a real gRPC server on loopback, over a consensus in memory; its peers are on paper. */
import type { DescMethodServerStreaming, DescMethodUnary, MessageShape } from '@bufbuild/protobuf';
import { callUnary, methodDefinition, type Outgoing } from '@cell/proto';
import { Client, credentials, Metadata, ServerCredentials } from '@grpc/grpc-js';
import { openGuard } from '../../access/testing/open-guard.ts';
import { guardedServer } from '../../add-service.ts';
import { CellError } from '../../cell-error.ts';
import { silentLog } from '../../execute/testing/example-fleet.ts';
import { MemoryConsensus } from '../../execute/testing/memory-consensus.ts';
import { answeredError } from '../../grpc-error.ts';
import type {
  Clock,
  ConnectionFacts,
  Guard,
  LogChunk,
  LogRequest,
  MemberStatus,
  Peers,
  Recovery,
} from '../../ports.ts';
import type { AllocationReport } from '../../state/commands.ts';
import { registerServices, SessionRegistry } from '../index.ts';
import { serverOptions } from '../serve.ts';
import type { ServedPeerRequests } from '../service-parts.ts';
import { PaperIssuer, PaperVault } from './paper-authority.ts';
import { exampleSettings } from './session-transcript.ts';

export const wallClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every: (periodMs, callback) => {
    const timer = setInterval(callback, periodMs);
    return () => clearInterval(timer);
  },
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Far more than a call takes, also on a machine that has other things to do. */
const CALL_MS_MAX = 20_000;

function noRecovery(): never {
  throw new CellError('CELL_E_CONFLICT', 'A member on paper has nothing to recover');
}

export class PaperMember {
  readonly consensus = new MemoryConsensus();
  /** Everybody is an admin. */
  guard: Guard = openGuard();
  readonly recovery: Recovery = { plan: noRecovery, run: noRecovery };
  readonly crashes: string[] = [];
  readonly reported: AllocationReport[] = [];
  /** Members that answer; 1 is this one. */
  reachable = new Set([1, 2, 3]);
  /** What peers give when they are asked for output. */
  relay: (to: number, signal: AbortSignal, request: LogRequest) => AsyncIterable<LogChunk> = () => {
    throw new CellError('CELL_E_NO_SESSION', 'not here');
  };
  /** What peers do when they are asked to run a command. */
  relayExec: Peers['relayExec'] = () => {
    throw new CellError('CELL_E_NO_SESSION', 'not here');
  };
  /** What peers know of usage. */
  relayUsage: Peers['relayUsage'] = async () => undefined;
  /** Keys that peers were given. */
  readonly sentKeys: string[] = [];
  readonly vault = new PaperVault(this.consensus.state);
  readonly issuer = new PaperIssuer(this.consensus.state, wallClock.wallMs);
  readonly lifetimeMs = 24 * 3_600_000;
  /** Whose connections there are. */
  connected: ConnectionFacts[] = [];
  /** Ids of those that were cut last. */
  cut: (string | number)[] = [];
  readonly sessions: SessionRegistry;
  served!: ServedPeerRequests & { stop(): void };
  client!: Client;
  readonly #server = guardedServer(serverOptions, { enter: (method, call) => this.guard.enter(method, call) });

  constructor() {
    const { consensus } = this;
    this.sessions = new SessionRegistry({ consensus, clock: wallClock, log: silentLog, settings: exampleSettings });
  }

  static async start(guard?: Guard): Promise<PaperMember> {
    const member = new PaperMember();
    if (guard !== undefined) member.guard = guard;
    await member.#listen();
    return member;
  }

  async #listen(): Promise<void> {
    this.served = registerServices(this.#server, {
      consensus: this.consensus,
      peers: this.#peers(),
      clock: wallClock,
      log: silentLog,
      guard: this.guard,
      random: () => 7,
      sessions: this.sessions,
      reports: { add: (reports) => void this.reported.push(...reports) },
      clusterName: 'paper',
      recovery: this.recovery,
      ownStatus: () => this.#status(1),
      vault: this.vault,
      issuer: this.issuer,
      certificateLifetimeMs: this.lifetimeMs,
      connections: {
        connection: () => undefined,
        cut: (chosen) => {
          this.cut = this.connected.filter((facts) => chosen(facts)).map(({ subject }) => subject?.id ?? '');
        },
      },
      crashProcess: () => void this.crashes.push('this process'),
    });
    const port = await new Promise<number>((resolve, reject) => {
      const insecure = ServerCredentials.createInsecure();
      this.#server.bindAsync('127.0.0.1:0', insecure, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  #peers(): Peers {
    const ask = (to: number) => {
      if (!this.reachable.has(to)) throw new CellError('CELL_E_PEER_UNREACHABLE', `Member ${to} does not answer`);
    };
    return {
      members: [1, 2, 3].map((id) => ({ id, grpc: `g${id}`, peers: `p${id}`, http: `h${id}` })),
      reportLiveness: async () => [],
      member: async (to) => {
        ask(to);
        return this.#status(to);
      },
      crash: async (to, drillId) => {
        ask(to);
        this.crashes.push(`member ${to} for ${drillId}`);
      },
      transfer: async (_toLeader, target) => target,
      recover: async (to, order) => {
        ask(to);
        return { lastIndex: 7, dropped: [1], clusterId: 'recovered', started: order.confirmCluster !== '' };
      },
      relayLogs: (to, request, signal) => this.relay(to, signal, request),
      relayExec: (...asked) => this.relayExec(...asked),
      relayUsage: (...asked) => this.relayUsage(...asked),
      sendKey: async (to, key) => {
        ask(to);
        this.sentKeys.push(`${key.id} to member ${to}`);
        if (to === 1) await this.vault.addKey(key);
      },
    };
  }

  #status(id: number): MemberStatus {
    const role = this.consensus.leadership.leaderId === id ? 'leader' : 'follower';
    const index = this.consensus.state.index;
    const numbers = {
      term: 1,
      appliedIndex: index,
      commitIndex: index,
      snapshotIndex: 0,
      dataBytes: 1,
      diskFreeBytes: 2 ** 40,
      agentSessions: 0,
    };
    return { id, role, version: '0.1.0', diskFull: false, leaderId: this.consensus.leadership.leaderId, ...numbers };
  }

  /** Rejects with the `CellError` that the member answered. */
  async call<M extends DescMethodUnary>(method: M, request: Outgoing<M['input']>): Promise<MessageShape<M['output']>> {
    try {
      return await callUnary(this.client, method, request, new Metadata(), { deadline: Date.now() + CALL_MS_MAX });
    } catch (error) {
      throw answeredError(error) ?? error;
    }
  }

  stream<M extends DescMethodServerStreaming>(method: M, request: Outgoing<M['input']>) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    return this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  }

  stop(): void {
    this.served.stop();
    this.sessions.close(new CellError('CELL_E_NO_SESSION', 'The member stops'));
    this.client.close();
    this.#server.forceShutdown();
  }
}
