import { readFileSync } from 'node:fs';
import { authorityPlaces } from '@cell/control-plane/authority';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import type { Allocation, AuditEntry, CellClient, Role } from '@cell/sdk';
import { expect } from 'vitest';
import { joinNodes, simulatedId } from '../../../bench/agents/join-nodes.ts';
import { type Fleet, type Member, startFleet } from '../../harness/fleet.ts';
import { MarkWriter } from '../../harness/mark-writer.ts';
import { runJob, settled } from '../../harness/run-job.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { Witness } from '../../harness/witness.ts';
import { TakenNode } from './taken-node.ts';

/**
 * A busy machine is no attack: elections and leases have time. Handshakes have little of it, so that those which are
 * never finished end soon.
 */
const SETTINGS = `[raft]
heartbeat = "200ms"
election = "6s"

[leases]
duration = "60s"

[limits]
handshake_time = "3s"
`;

const WRITES_MIN = 20;
const INSTANCES = 2;
/** Agents that have sessions; one more is there to be led astray. */
export const AGENTS = 2;
const SECRET = 'what-only-the-workload-shall-know';

/** What was there before an attack, to compare with. */
interface Before {
  readonly logs: ReadonlyMap<Member, number>;
  readonly counts: Map<string, number>;
}

/** A fleet at work: a job runs, somebody writes all the time, agents have sessions. None of it may notice an attack. */
export class AttackedFleet {
  readonly fleet: Fleet;
  readonly client: CellClient;
  readonly target: Member;
  /** With the fleet's own key: what only who has taken a member's disk could make. */
  readonly authority: TestAuthority;
  /** An instance of the job, with a secret. */
  readonly allocation: Allocation;
  readonly #writer: MarkWriter;
  readonly #witness: Witness;
  readonly #runs: ReturnType<Witness['living']>;
  readonly #term: number | undefined;
  /** Each agent's number of sessions so far. */
  readonly #sessions: readonly (number | undefined)[];
  #joined = 0;
  readonly #taken: TakenNode[] = [];

  private constructor(
    fleet: Fleet,
    target: Member,
    authority: TestAuthority,
    witness: Witness,
    allocation: Allocation,
    { term, sessions }: { readonly term: number | undefined; readonly sessions: readonly (number | undefined)[] },
  ) {
    this.fleet = fleet;
    this.client = fleet.operators();
    this.target = target;
    this.authority = authority;
    this.allocation = allocation;
    this.#term = term;
    this.#sessions = sessions;
    this.#witness = witness;
    this.#runs = witness.living('web');
    this.#writer = new MarkWriter(fleet.operators(), 2);
  }

  static async start(): Promise<AttackedFleet> {
    const fleet = await startFleet({ members: 3, agents: AGENTS + 1, memberSettings: SETTINGS, start: false });
    try {
      const working = [...fleet.members, ...fleet.agents.slice(0, AGENTS)];
      for (const daemon of working) daemon.start();
      await Promise.all(working.map((daemon) => daemon.ready()));
      const client = fleet.operators();
      await client.secrets.setSecret({ name: 'database', value: Buffer.from(SECRET) });
      const witness = new Witness(fleet.folder);
      await runJob(
        client,
        witness.job('web', { settings: `count = ${INSTANCES}`, tables: '\n[secrets]\ndatabase = "database"\n' }),
      );
      const [allocation] = await settled(client, 'web', { count: INSTANCES });
      // The one that has most to do.
      const target = await fleet.leader();
      const authority = await TestAuthority.ofMember(authorityPlaces(target.dataFolder));
      const term = await target.metric('cell_raft_term');
      const sessions = await sessionsOf(fleet);
      return new AttackedFleet(fleet, target, authority, witness, allocation!, { term, sessions });
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const node of this.#taken) node.close();
    await this.#writer.stop();
    await this.fleet.stop();
  }

  get token(): string {
    return this.fleet.identity.operator.token;
  }

  get grpcPort(): number {
    return this.target.ports.grpc;
  }

  get peersPort(): number {
    return this.target.ports.peers;
  }

  /** The text of a new token. */
  async makeToken(name: string, role: Role, more: { namespace?: string; ttlSeconds?: bigint; uses?: number } = {}) {
    const { text, token } = await this.client.identity.createToken({ name, role, ...more });
    return { text, id: token!.id };
  }

  /** At the target. */
  async takenNode(): Promise<TakenNode> {
    const { target, fleet } = this;
    this.#joined += 1;
    const name = `taken-${this.#joined}`;
    const [credentials] = await joinNodes(target.grpcAddress, fleet.identity, [name]);
    const { trust } = fleet.identity.operator;
    const node = new TakenNode({
      id: simulatedId(name),
      name,
      credentials: credentials!,
      trust,
      address: target.grpcAddress,
    });
    this.#taken.push(node);
    return node;
  }

  before(): Before {
    return { logs: new Map(this.fleet.members.map((each) => [each, each.output().length])), counts: new Map() };
  }

  /** Waits until the target has written a line in its log that fits. */
  async logged(before: Before, what: RegExp): Promise<void> {
    const { target } = this;
    await waitFor(() => what.test(target.output().slice(before.logs.get(target))), { what: `a line with ${what}` });
  }

  /** Waits until a counter of the target's has gone from there by so much at least. */
  async counted(metric: string, from: number, by = 1): Promise<void> {
    await waitFor(async () => (await this.count(metric)) >= from + by, { what: `${metric} to grow by ${by}` });
  }

  async count(metric: string): Promise<number> {
    return (await this.target.metric(metric)) ?? 0;
  }

  /** Waits for an entry of the audit log that stands for so many calls, alone or with others like it. */
  async audited(wanted: Partial<Pick<AuditEntry, 'actor' | 'method' | 'outcome' | 'from'>>, calls = 1): Promise<void> {
    const fits = (entry: AuditEntry) =>
      Object.entries(wanted).every(([name, value]) => entry[name as keyof typeof wanted] === value);
    await waitFor(
      async () => {
        const entries: AuditEntry[] = [];
        for await (const part of this.client.identity.listAudit({})) entries.push(...part.entries);
        return entries.filter(fits).reduce((sum, { count }) => sum + count, 0) >= calls;
      },
      { what: `${calls} of ${JSON.stringify(wanted)} in the audit log`, pollMs: 100 },
    );
  }

  /** Resident memory of the target, in MiB. */
  memoryMib(): number {
    const status = readFileSync(`/proc/${this.target.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  /** Nothing else has noticed: no election, no session lost, no write lost, nothing started again. */
  async undisturbed(): Promise<void> {
    const { fleet, target } = this;
    const written = this.#writer.acknowledged;
    await waitFor(() => this.#writer.acknowledged >= written + WRITES_MIN, { what: 'writes to go on' });
    expect(await this.#writer.lost(this.client)).toEqual([]);
    expect(await target.metric('cell_raft_term')).toBe(this.#term);
    expect(await target.leads()).toBe(true);
    expect(fleet.members.every((member) => member.running)).toBe(true);
    expect(await sessionsOf(fleet)).toEqual(this.#sessions);
    expect(this.#witness.living('web')).toEqual(this.#runs);
    expect(this.#witness.runs('web')).toHaveLength(INSTANCES);
  }
}

/** How many each agent has had, of which the last one stands; undefined for one that has none now. */
function sessionsOf(fleet: Fleet): Promise<(number | undefined)[]> {
  const sessions = fleet.agents.slice(0, AGENTS).map(async (agent) => {
    const connected = (await agent.metric('cell_agent_connected')) === 1;
    return connected ? agent.metric('cell_agent_sessions_total') : undefined;
  });
  return Promise.all(sessions);
}
