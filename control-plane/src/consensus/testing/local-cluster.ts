import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { UsageSchema } from '@cell/proto';
import { openLogStore } from '@cell/raft';
import { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { plainTransport } from '../../listen/testing/plain-transport.ts';
import type { MemberAddress, PeerRequests } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import { peerServerOptions } from '../peers/channel-options.ts';
import { fixedIdentity } from '../peers/peer-identity.ts';
import { type RunningConsensus, startConsensus } from '../start-consensus.ts';
import { believingGuard } from './believing-guard.ts';
import { echoExec } from './echo-exec.ts';

/** Consensus of several members in this process, over real files and real gRPC on loopback. */
export interface LocalCluster {
  readonly members: readonly LocalMember[];
  leader(): Promise<LocalMember>;
  stop(): Promise<void>;
}

export class LocalMember {
  readonly id: number;
  readonly logged: Record<string, unknown>[] = [];
  readonly outcomes: string[] = [];
  readonly fatal: Error[] = [];
  readonly #folder: string;
  readonly #members: readonly MemberAddress[];
  readonly #founders: readonly number[];
  readonly #name: string;
  #running: RunningConsensus | undefined;
  #server: Server | undefined;

  constructor(
    id: number,
    folder: string,
    members: readonly MemberAddress[],
    founders: readonly number[],
    name: string,
  ) {
    this.id = id;
    this.#folder = join(folder, String(id));
    this.#members = members;
    this.#founders = founders;
    this.#name = name;
  }

  get running(): RunningConsensus {
    if (this.#running === undefined) throw new Error(`Member ${this.id} does not run`);
    return this.#running;
  }

  get up(): boolean {
    return this.#running !== undefined;
  }

  async start(): Promise<void> {
    const clusterId = this.#name;
    const voters = this.#founders;
    const founded = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    const store = await openLogStore({
      directory: this.#folder,
      identity: { clusterId, nodeId: this.id },
      bootstrap: voters.includes(this.id) ? founded : undefined,
    });
    const transport = plainTransport();
    this.#running = await startConsensus({
      identity: fixedIdentity(clusterId, this.id, this.#members),
      security: transport,
      guard: believingGuard(),
      store,
      heartbeatMs: 20,
      electionMs: 160,
      clock: realClock,
      log: pino({ level: 'debug' }, { write: (line) => this.logged.push(JSON.parse(line)) }),
      random: (below) => Math.floor(Math.random() * below),
      onOutcome: (outcome) => this.outcomes.push(outcome),
      onFatal: (error) => this.fatal.push(error),
      onRemoved: (error) => this.fatal.push(error),
    });
    this.#server = new Server(peerServerOptions);
    this.running.registerService(this.#server, requests(this));
    const { peers } = this.#members.find((member) => member.id === this.id)!;
    await transport.listen(this.#server, peers, 'listen.peers');
  }

  /** As abrupt as can be within one process: connections are cut, nothing is handed over. */
  async stop(): Promise<void> {
    const [running, server] = [this.#running, this.#server];
    this.#running = undefined;
    server?.forceShutdown();
    await running?.stop();
  }
}

/** `newcomers`: members that all know how to reach, and that are not started and not in the membership yet. */
export async function startLocalCluster(count: number, name = 'local', newcomers = 0): Promise<LocalCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-consensus-'));
  const ports = await Promise.all(Array.from({ length: count + newcomers }, freePort));
  const addresses = ports.map((port, place) => ({ id: place + 1, grpc: '', peers: `127.0.0.1:${port}`, http: '' }));
  const founders = addresses.slice(0, count).map(({ id }) => id);
  const members = addresses.map(({ id }) => new LocalMember(id, folder, addresses, founders, name));
  await Promise.all(members.slice(0, count).map((member) => member.start()));
  const stop = async () => {
    await Promise.all(members.map((member) => member.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  return { members, leader: () => leaderOf(members), stop };
}

const LEADER_MS_MAX = 30_000;

async function leaderOf(members: readonly LocalMember[]): Promise<LocalMember> {
  const endMs = performance.now() + LEADER_MS_MAX;
  while (performance.now() < endMs) {
    const up = members.filter((member) => member.up);
    const leader = up.find((member) => member.running.consensus.leadership.leading);
    const known = up.every((member) => member.running.consensus.leadership.leaderId === leader?.id);
    if (leader !== undefined && known) return leader;
    await setTimeout(5);
  }
  throw new Error('No leader that all know');
}

/**
 * Below the range from which the kernel gives ports away (it begins at 32768): else a port that is free now, or while
 * its member is stopped, might be another test's by the time it is listened on.
 */
const PORTS_FIRST = 20_000;
const PORTS = 12_000;
const PORT_ATTEMPTS_MAX = 100;
/** In steps of one from a place of this process's own, so that none is given out twice. */
let portsGiven = Math.floor(Math.random() * PORTS);

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS_MAX; attempt += 1) {
    portsGiven += 1;
    const port = PORTS_FIRST + (portsGiven % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`Found no free port in ${PORT_ATTEMPTS_MAX} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function requests(member: LocalMember): PeerRequests {
  return {
    keySent: async ({ id, key }) => {
      member.logged.push({ keySent: id, bytes: key.length });
    },
    livenessReported: (from, seen) => {
      member.logged.push({ livenessReported: { from, seen } });
      return ['lost'];
    },
    ownStatus: () => ({
      id: member.id,
      role: 'follower',
      term: 3,
      appliedIndex: 4,
      commitIndex: 5,
      snapshotIndex: 6,
      agentSessions: 7,
      version: '8',
      dataBytes: 2 ** 40,
      diskFreeBytes: 2 ** 41,
      diskFull: true,
      leaderId: 9,
    }),
    async *openLogs(request, signal) {
      member.logged.push({ openLogs: request });
      for (let line = 0; !signal.aborted; line += 1) {
        const data = Buffer.from(`${request.allocationId} ${request.tailLines} ${line}\n`);
        yield { data, stream: 'stderr', cursor: `after ${line}` };
        if (!request.follow && line === 2) return;
        await setImmediate();
      }
      member.logged.push({ logsAborted: true });
    },
    openExec: (messages, signal) => echoExec(messages, signal, (line) => member.logged.push({ exec: line })),
    usage: (allocationId) => (allocationId === 'a' ? create(UsageSchema, { memoryBytes: 7n }) : undefined),
    crash: (drillId) => member.logged.push({ crash: drillId }),
    transferLeadership: async (target) => target,
    recover: async () => ({ lastIndex: 1, dropped: [2], clusterId: 'new', started: true }),
  };
}
