import {
  AgentService,
  AllocationState,
  DesiredState,
  methodDefinition,
  type Outgoing,
  type SessionRequestSchema,
  type SessionResponse,
} from '@cell/proto';
import { type ChannelCredentials, Client, type ClientDuplexStream, type Metadata } from '@grpc/grpc-js';
import { simulatedId } from './join-nodes.ts';

type Heard<Case extends string> = Extract<SessionResponse['message'], { case: Case }>['value'];
type Call = ClientDuplexStream<Outgoing<typeof SessionRequestSchema>, SessionResponse>;

/** How an agent's connections are secured, and who it is. */
export interface AgentSecurity {
  readonly credentials: ChannelCredentials;
  readonly options: Readonly<Record<string, string>>;
  readonly metadata: Metadata;
}

export interface SimulatedAgentParts {
  readonly name: string;
  /** "host:port" of the members. */
  readonly members: readonly string[];
  /** Where in `members` it begins. */
  readonly first: number;
  readonly security: AgentSecurity;
  /** Told the names of the jobs of new allocations, one each. */
  readonly onPlaced: (jobs: readonly string[]) => void;
}

/** Before it goes to the next member. */
const PAUSE_MS_MIN = 200;
const PAUSE_MS_MAX = 500;

/** Room for hundreds of small allocations on each. */
const CAPACITY = { cpuMillis: 64_000, memoryMib: 65_536 };

const CHANNEL_OPTIONS = {
  // One connection each, as real agents have.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
};

/**
 * What a member sees of an agent: a session with heartbeats, and reports that all it was given runs and is healthy.
 * Hundreds of them fit into one process, as nothing runs.
 */
export class SimulatedAgent {
  readonly #parts: SimulatedAgentParts;
  readonly #allocations = new Set<string>();
  readonly #sentAtMs = new Map<bigint, number>();
  #client: Client | undefined;
  #call: Call | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #redial: NodeJS.Timeout | undefined;
  #at: number;
  #sequence = 0n;
  #generation = 0n;
  #clusterId = '';
  #welcome = false;
  #leaseFromMs = performance.now();
  /** Sessions that stood and ended without being told to; not those that a member, which lags behind, put off at first. */
  sessionsBroken = 0;
  /** The longest time that went by since the newest confirmed heartbeat. */
  leaseAgeMsMax = 0;

  constructor(parts: SimulatedAgentParts) {
    this.#parts = parts;
    this.#at = parts.first;
    this.#dial();
  }

  /** Whether its session stands. */
  get connected(): boolean {
    return this.#welcome;
  }

  /** Ends its connection and makes another one at once, as after a break of the network. */
  reconnect(): void {
    this.#drop();
    this.#dial();
  }

  stop(): void {
    this.#drop();
    clearTimeout(this.#redial);
  }

  #dial(): void {
    const address = this.#parts.members[this.#at % this.#parts.members.length] as string;
    const { credentials, options, metadata } = this.#parts.security;
    const client = new Client(address, credentials, { ...CHANNEL_OPTIONS, ...options });
    const method = methodDefinition(AgentService.method.session);
    const call: Call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
    );
    this.#client = client;
    this.#call = call;
    call.on('data', (response: SessionResponse) => this.#hear(response));
    call.on('error', () => this.#lost(call));
    call.on('end', () => this.#lost(call));
    call.write({ message: { case: 'hello', value: this.#hello() } });
  }

  #lost(call: Call): void {
    if (this.#call !== call) return;
    if (this.#welcome) this.sessionsBroken += 1;
    this.#drop();
    this.#at += 1;
    const pauseMs = PAUSE_MS_MIN + Math.random() * (PAUSE_MS_MAX - PAUSE_MS_MIN);
    this.#redial = setTimeout(() => this.#dial(), pauseMs);
  }

  #drop(): void {
    clearInterval(this.#heartbeat);
    const [call, client] = [this.#call, this.#client];
    this.#call = undefined;
    this.#client = undefined;
    this.#welcome = false;
    this.#sentAtMs.clear();
    call?.cancel();
    client?.close();
  }

  #hello() {
    const { name } = this.#parts;
    return {
      nodeId: simulatedId(name),
      nodeName: name,
      agentVersion: '0.0.0',
      httpAddress: '127.0.0.1:1',
      generation: this.#generation,
      clusterId: this.#clusterId,
      allocations: [...this.#allocations].map((id) => ({ id, state: AllocationState.HEALTHY })),
      inventory: {
        capacity: CAPACITY,
        address: '127.0.0.1',
        portFirst: 20_000,
        portLast: 29_999,
        runtime: 'process',
        attributes: { 'kernel.name': 'linux', 'node.name': name },
      },
    };
  }

  #hear({ message }: SessionResponse): void {
    if (message.case === 'welcome') this.#welcomed(message.value);
    else if (message.case === 'leaseRenewal') this.#renewed(message.value);
    else if (message.case === 'desired') this.#desired(message.value);
  }

  #welcomed({ clusterId, heartbeatIntervalMs }: Heard<'welcome'>): void {
    this.#clusterId = clusterId;
    this.#welcome = true;
    this.#beat();
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatIntervalMs);
  }

  #beat(): void {
    this.#sequence += 1n;
    this.#sentAtMs.set(this.#sequence, performance.now());
    this.#call?.write({ message: { case: 'heartbeat', value: { sequence: this.#sequence } } });
  }

  #renewed({ sequence }: Heard<'leaseRenewal'>): void {
    const nowMs = performance.now();
    this.leaseAgeMsMax = Math.max(this.leaseAgeMsMax, nowMs - this.#leaseFromMs);
    this.#leaseFromMs = this.#sentAtMs.get(sequence) ?? this.#leaseFromMs;
    for (const sent of this.#sentAtMs.keys()) if (sent <= sequence) this.#sentAtMs.delete(sent);
  }

  #desired({ generation, complete, set, removed }: Heard<'desired'>): void {
    this.#generation = generation;
    if (complete) {
      const wanted = new Set(set.map((allocation) => allocation.id));
      for (const id of this.#allocations) if (!wanted.has(id)) this.#allocations.delete(id);
    }
    const placed: string[] = [];
    const reports: { id: string; state: AllocationState }[] = [];
    for (const { id, desired, spec } of set) {
      if (desired === DesiredState.STOP) {
        this.#allocations.delete(id);
        reports.push({ id, state: AllocationState.STOPPED });
      } else if (!this.#allocations.has(id)) {
        this.#allocations.add(id);
        placed.push(spec?.name ?? '');
        reports.push({ id, state: AllocationState.HEALTHY });
      }
    }
    for (const id of removed) this.#allocations.delete(id);
    if (reports.length > 0) this.#call?.write({ message: { case: 'report', value: { allocations: reports } } });
    if (placed.length > 0) this.#parts.onPlaced(placed);
  }
}
