import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CellClient, type ConnectOptions, connect, type MembersOptions } from '@cell/sdk';
import { type Cellctl, cellctlWith } from './cellctl.ts';
import { Daemon } from './daemon.ts';
import { agentToml, type MemberPorts, memberToml } from './fleet-config.ts';
import { FleetIdentity } from './fleet-identity.ts';
import { freePortBlock, freePorts } from './free-ports.ts';
import { forgetFolder, guardFolder, makeGuardedFolder, sweepFolder } from './leftovers.ts';
import { waitFor } from './wait-for.ts';

export interface FleetOptions {
  readonly members: number;
  /** Default 0. */
  readonly agents?: number;
  /** Default "test". */
  readonly cluster?: string;
  /** Tables of TOML for every member, such as '[leases]\nduration = "5s"\n'. */
  readonly memberSettings?: string;
  readonly agentSettings?: string;
  /** Variables for every daemon, beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Variables for single daemons besides, by their names: "member-1", "node-1". */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How the name of its folder begins; default "cell-". */
  readonly folderPrefix?: string;
  /** Default: a new one below the temporary folder, removed at the end. One that is given stays. */
  readonly folder?: string;
  /** False: nobody is anybody yet, as on machines where nothing was set up. Default true. */
  readonly identity?: boolean;
  /** Other members than the product's, such as ones in plain text to compare with; and how to call them. */
  readonly substitute?: MemberSubstitute;
  /** Start and wait until all are ready; default true. */
  readonly start?: boolean;
}

export interface MemberSubstitute {
  /** Words before the program's path; see `DaemonParts.launcher`. */
  readonly launcher: readonly string[];
  readonly connect: (options: MembersOptions) => CellClient;
}

const PORTS_PER_MEMBER = 3;
const CALL_MS_MAX = 10_000;
const LEADER_MS_MAX = 30_000;

/** Ports for the workloads of each agent: apart, since all agents are on one machine. */
const WORKLOAD_PORTS_EACH = 200;

export class Member extends Daemon {
  readonly id: number;
  readonly grpcAddress: string;
  readonly peersPort: number;
  readonly ports: MemberPorts;
  readonly dataFolder: string;

  readonly #identity: FleetIdentity | undefined;

  constructor(
    parts: ConstructorParameters<typeof Daemon>[0],
    ports: MemberPorts,
    dataFolder: string,
    identity: FleetIdentity | undefined,
  ) {
    super(parts);
    this.id = ports.id;
    this.grpcAddress = `127.0.0.1:${ports.grpc}`;
    this.peersPort = ports.peers;
    this.ports = ports;
    this.dataFolder = dataFolder;
    this.#identity = identity;
  }

  /** On a machine that was made able to be a member, also if its disk was lost meanwhile. */
  override start(): void {
    this.#identity?.giveTo(this.dataFolder);
    super.start();
  }

  async leads(): Promise<boolean> {
    return this.running && (await this.metric('cell_raft_is_leader')) === 1;
  }
}

export class Agent extends Daemon {
  readonly dataFolder: string;

  constructor(parts: ConstructorParameters<typeof Daemon>[0], dataFolder: string) {
    super(parts);
    this.dataFolder = dataFolder;
  }
}

/** Real members and agents on loopback, with all they leave behind in one folder. */
export class Fleet {
  readonly folder: string;
  readonly agents: readonly Agent[];
  readonly #members: Member[];
  readonly #options: FleetOptions;
  readonly #identity: FleetIdentity | undefined;
  readonly #clients = new Set<CellClient>();

  constructor(
    folder: string,
    members: readonly Member[],
    agents: readonly Agent[],
    options: FleetOptions,
    identity: FleetIdentity | undefined,
  ) {
    this.folder = folder;
    this.#members = [...members];
    this.agents = agents;
    this.#options = options;
    this.#identity = identity;
  }

  /** Throws in a fleet without. */
  get identity(): FleetIdentity {
    if (this.#identity === undefined) throw new Error('Nobody has an identity in this fleet');
    return this.#identity;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /**
   * One more member, which is not started: with the next id, and the configuration of a machine that is to enter the
   * cluster of the others.
   */
  async prepareMember(): Promise<Member> {
    const [grpc, peers, http] = (await freePorts(PORTS_PER_MEMBER)) as [number, number, number];
    const own = { id: this.#members.length + 1, grpc, peers, http };
    const others = this.#members.map(({ ports }) => ports);
    const member = makeMember(this.folder, own, [...others, own], this.#options, this.#identity);
    this.#members.push(member);
    return member;
  }

  /** By its Raft id, which counts from 1. */
  member(id: number): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`Fleet has no member ${id}`);
    return member;
  }

  /** Counted from 1; its node is called "node-<number>". */
  agent(number: number): Agent {
    const agent = this.agents[number - 1];
    if (agent === undefined) throw new Error(`Fleet has no agent ${number}`);
    return agent;
  }

  get addresses(): readonly string[] {
    return this.members.map((member) => member.grpcAddress);
  }

  /** A client of all members, or of one alone, that may do everything; closed with the fleet. */
  operators(member?: Member): CellClient {
    return this.client(this.identity.operator, member);
  }

  /** A client with an identity of its own. */
  client(identity: ConnectOptions['identity'], member?: Member): CellClient {
    const addresses = member === undefined ? this.addresses : [member.grpcAddress];
    const options = { addresses, timeoutMs: CALL_MS_MAX };
    const client = this.#options.substitute?.connect(options) ?? connect({ ...options, identity });
    this.#clients.add(client);
    return client;
  }

  /** The command, of someone who may do everything, for all members or one alone. */
  cellctl(member?: Member): Cellctl {
    const addresses = member === undefined ? this.addresses : [member.grpcAddress];
    return cellctlWith({ CELL_ADDR: addresses.join(','), CELL_TOKEN_FILE: this.identity.adminTokenFile });
  }

  /** The member that leads and knows it. After a kill this waits for the next one. */
  async leader(timeoutMs = LEADER_MS_MAX): Promise<Member> {
    return waitFor(
      async () => {
        const leads = await Promise.all(this.members.map((member) => member.leads().catch(() => false)));
        const leaders = this.members.filter((_, place) => leads[place]);
        // Two: the older one hasn't noticed yet that it was deposed.
        return leaders.length === 1 ? leaders[0] : undefined;
      },
      { what: 'a leader', timeoutMs },
    );
  }

  /** Some member that doesn't lead. */
  async follower(): Promise<Member> {
    const leader = await this.leader();
    const follower = this.members.find((member) => member !== leader && member.running);
    if (follower === undefined) throw new Error('No member follows');
    return follower;
  }

  /** Starts all that don't run, and waits until they serve. */
  async start(): Promise<void> {
    for (const daemon of [...this.members, ...this.agents]) if (!daemon.running) daemon.start();
    await this.ready();
  }

  async ready(): Promise<void> {
    await Promise.all([...this.members, ...this.agents].map((daemon) => daemon.ready()));
  }

  /** Ends all daemons and workloads at once, and removes the folder if the fleet made it. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    sweepFolder(this.folder);
    await Promise.all([...this.members, ...this.agents].filter((each) => each.started).map((each) => each.ended()));
  }

  /** Leaves everything running when this process ends. */
  keep(): void {
    forgetFolder(this.folder);
    for (const client of this.#clients) client.close();
    for (const daemon of [...this.members, ...this.agents]) daemon.unref();
  }
}

/** Makes a fleet; the caller ends it with `stop`. It ends with this process in any case, unless `keep` is called. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const folder = options.folder ?? makeGuardedFolder(options.folderPrefix ?? 'cell-');
  if (options.folder !== undefined) guardFolder(folder);
  const ports = await portsOf(options);
  const identity = options.identity === false ? undefined : await FleetIdentity.make(folder, clusterOf(options));
  const members = ports.members.map((own) => makeMember(folder, own, ports.members, options, identity));
  const agents = ports.agents.map((own, place) => makeAgent(folder, place, own, ports.members, options, identity));
  const fleet = new Fleet(folder, members, agents, options, identity);
  if (options.start === false) return fleet;
  try {
    await fleet.start();
  } catch (error) {
    await fleet.stop();
    throw error;
  }
  return fleet;
}

async function portsOf({ members, agents = 0 }: FleetOptions) {
  const ports = await freePorts(members * PORTS_PER_MEMBER + agents);
  const memberPorts = Array.from({ length: members }, (_, place) => {
    const [grpc, peers, http] = ports.slice(place * PORTS_PER_MEMBER) as [number, number, number];
    return { id: place + 1, grpc, peers, http };
  });
  const first = await freePortBlock(agents * WORKLOAD_PORTS_EACH);
  const agentPorts = ports.slice(members * PORTS_PER_MEMBER).map((http, place) => {
    const firstWorkload = first + place * WORKLOAD_PORTS_EACH;
    return { http, workloads: [firstWorkload, firstWorkload + WORKLOAD_PORTS_EACH - 1] as const };
  });
  return { members: memberPorts, agents: agentPorts };
}

function clusterOf({ cluster = 'test' }: FleetOptions): string {
  return cluster;
}

function makeMember(
  folder: string,
  own: MemberPorts,
  members: readonly MemberPorts[],
  options: FleetOptions,
  identity: FleetIdentity | undefined,
): Member {
  const name = `member-${own.id}`;
  const data = join(folder, name);
  const configFile = join(folder, `${name}.toml`);
  const extra = options.memberSettings ?? '';
  writeFileSync(configFile, memberToml({ own, members, cluster: clusterOf(options), data, extra }));
  const parts = {
    program: 'cell-control-plane',
    name,
    folder,
    configFile,
    httpAddress: `127.0.0.1:${own.http}`,
    environment: { ...options.environment, ...options.environments?.[name] },
    launcher: options.substitute?.launcher ?? [],
  } as const;
  return new Member(parts, own, data, identity);
}

interface AgentPorts {
  readonly http: number;
  readonly workloads: readonly [first: number, last: number];
}

function makeAgent(
  folder: string,
  place: number,
  own: AgentPorts,
  members: readonly MemberPorts[],
  options: FleetOptions,
  identity: FleetIdentity | undefined,
): Agent {
  const name = `node-${place + 1}`;
  const data = join(folder, name);
  mkdirSync(data, { recursive: true });
  const configFile = join(folder, `${name}.toml`);
  const extra = options.agentSettings ?? '';
  const file = { name, data, httpPort: own.http, members, ports: own.workloads, extra };
  writeFileSync(configFile, agentToml({ ...file, joinTokenFile: identity?.agentTokenFile }));
  const parts = {
    program: 'cell-agent',
    name,
    folder,
    configFile,
    httpAddress: `127.0.0.1:${own.http}`,
    environment: { ...options.environment, ...options.environments?.[name] },
  } as const;
  return new Agent(parts, data);
}
