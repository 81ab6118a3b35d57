/**
 * One agent's session at this member, from its Hello until its stream ends. Knows nothing of gRPC: words come in by
 * `receive`, go out by the stream it was given.
 *
 *   hello → registering → catching-up → live → closed
 *
 * Registering: a node that the state has never seen must be written before it can be served; for a known one that is
 * done beside, so that it is served also while there is no leader. Catching up: this member must have applied what the
 * agent has already, or it would push an older state.
 */
import type { Heartbeat, Hello, Report, SessionRequest, Usage } from '@cell/proto';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { AllocationReport } from '../state/commands.ts';
import { needsRegistration, readHello, readReports, reportsMax, type SaidNode } from './hello.ts';
import { SaidReports } from './said-reports.ts';
import { type SessionMessage, SessionOutbox } from './session-outbox.ts';

/** Where a session's words go. */
export interface SessionStream {
  /** False: it is full; say nothing more until `AgentSession.drained`. The message is taken either way. */
  send(message: SessionMessage): boolean;
  end(reason: CellError): void;
}

/** Whose connection it is, by its certificate. */
export interface ProvenNode {
  readonly nodeId: string;
  /** The authority that the certificate is from; empty if that is not known. */
  readonly authorityId: string;
}

export interface SessionParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: SessionSettings;
  /** Takes what the agent reports. */
  readonly reports: { add(reports: readonly AllocationReport[], afterHello: boolean): void };
  readonly host: SessionHost;
}

export interface SessionSettings {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** "host:port" of all members, for agents to go to. */
  readonly controlPlaneAddresses: readonly string[];
}

/** Who keeps the sessions. */
export interface SessionHost {
  /** The session's agent has said who it is; an older session of the same node ends. */
  admit(session: AgentSession): void;
  /** The session's agent has sent its first heartbeat. */
  heardFirst(): void;
  /** The session has ended. */
  left(session: AgentSession): void;
}

type Phase = 'hello' | 'registering' | 'catching-up' | 'live' | 'closed';

const generationTimeoutMs = 3_000;
const registerTimeoutMs = 5_000;
const registerRetryMs = 2_000;
const catchUpMaxMs = 10_000;
const catchUpPollMs = 50;

export class AgentSession {
  readonly #parts: SessionParts;
  readonly #stream: SessionStream;
  readonly #outbox: SessionOutbox;
  #phase: Phase = 'hello';
  #node: SaidNode | undefined;
  /** Reports that came before the state here was new enough to compare them with. */
  #early: AllocationReport[] = [];
  readonly #said = new SaidReports();
  readonly #proven: ProvenNode;
  #heartbeat: { readonly message: Heartbeat; readonly atMs: number } | undefined;
  #heardMs: number;

  constructor(parts: SessionParts, stream: SessionStream, proven: ProvenNode) {
    this.#proven = proven;
    this.#parts = parts;
    this.#stream = stream;
    this.#outbox = new SessionOutbox(parts.consensus.state, (message) => stream.send(message));
    this.#heardMs = parts.clock.monotonicMs();
  }

  /** Empty before Hello. */
  get nodeId(): string {
    return this.#node?.id ?? '';
  }

  /** The node that the session's certificate names, before Hello too. */
  get provenId(): string {
    return this.#proven.nodeId;
  }

  get live(): boolean {
    return this.#phase === 'live';
  }

  /** When the agent gave its last sign of life here, on the monotonic clock. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get newestHeartbeat(): { readonly sequence: bigint; readonly atMs: number } | undefined {
    if (this.#heartbeat === undefined) return undefined;
    return { sequence: this.#heartbeat.message.sequence, atMs: this.#heartbeat.atMs };
  }

  /** What an allocation used when the newest heartbeat was sent. */
  usage(allocationId: string): Usage | undefined {
    return this.#heartbeat?.message.usage[allocationId];
  }

  /** Takes what the agent says. Whatever is wrong with it ends the session, never throws. */
  receive(request: SessionRequest): void {
    this.#guarded(() => this.#take(request));
  }

  #take({ message }: SessionRequest): void {
    if (this.#phase === 'hello') {
      if (message.case !== 'hello') throw new CellError('CELL_E_INVALID', 'An agent must say Hello first');
      void this.#begin(message.value).catch((error: unknown) => this.#fail(error));
    } else if (message.case === 'heartbeat') this.#beat(message.value);
    else if (message.case === 'report') this.#report(message.value);
    else if (message.case === 'hello') throw new CellError('CELL_E_INVALID', 'An agent says Hello once in a session');
    // Anything else comes from a newer agent, and is nothing that this member could act on.
  }

  async #begin(hello: Hello): Promise<void> {
    const { consensus, host, log, settings, reports } = this.#parts;
    const former = consensus.state.recoveries.map(({ formerClusterId }) => formerClusterId);
    const node = readHello(hello, consensus.clusterId, former);
    this.#checkProven(node);
    const known = readReports(node.id, hello.allocations);
    this.#node = node;
    this.#said.take(known);
    this.#phase = 'registering';
    host.admit(this);
    await this.#checkGeneration(Number(hello.generation));
    if (this.#closed()) return;
    if (!consensus.state.nodes.has(node.id)) await this.#register();
    else if (needsRegistration(consensus.state.nodes.get(node.id), node)) void this.#registerBeside();
    if (this.#closed()) return;
    this.#phase = 'catching-up';
    this.#outbox.sayWelcome({
      case: 'welcome',
      value: {
        clusterId: consensus.clusterId,
        heartbeatIntervalMs: settings.heartbeatMs,
        leaseMs: settings.leaseMs,
        controlPlaneAddresses: [...settings.controlPlaneAddresses],
      },
    });
    this.tellTrust();
    await this.#catchUp(Number(hello.generation));
    if (this.#closed()) return;
    this.#phase = 'live';
    log.info({ node: node.name, allocations: known.length }, 'An agent is connected');
    this.#outbox.open(node.id);
    reports.add(known, true);
    reports.add(this.#early, true);
    this.#early = [];
  }

  /** What an agent says of itself does not count: its certificate says which node it is. */
  #checkProven({ id, name }: SaidNode): void {
    const { nodeId } = this.#proven;
    if (id === nodeId) return;
    const message =
      `Node "${name}" says that its id is "${id}", and its certificate is for "${nodeId}": a node can speak only for ` +
      'itself. If its data folder was copied from another machine, give it a new one, and a token to join with';
    throw new CellError('CELL_E_FORBIDDEN', message);
  }

  /** Says whom to trust, once the agent was welcomed; and to renew what is from an authority that is replaced. */
  tellTrust(): void {
    if (this.#phase !== 'catching-up' && this.#phase !== 'live') return;
    const { authorities, nodeIdentities } = this.#parts.consensus.state;
    const issuing = authorities.at(-1)?.id;
    if (issuing === undefined) return;
    const { nodeId, authorityId } = this.#proven;
    const has = [authorityId, nodeIdentities.get(nodeId)?.authorityId ?? ''];
    const renew = has.some((id) => id !== '' && id !== issuing);
    const trust = authorities.map(({ certificate }) => certificate);
    this.#guarded(() => this.#outbox.tellTrust({ case: 'trust', value: { trust, renew } }));
  }

  /**
   * Generations come from the log, and only nodes that are in the state get one. An agent that has more than all of the
   * log gives was served from another log; an empty control plane in the old one's place must not stop what it runs.
   */
  async #checkGeneration(generation: number): Promise<void> {
    const { consensus } = this.#parts;
    const { id, name } = this.#node!;
    const known = () => consensus.state.nodes.has(id);
    const fits = () => generation === 0 || (known() && generation <= consensus.state.index);
    if (fits()) return;
    try {
      await consensus.readBarrier(generationTimeoutMs);
    } catch (error) {
      if (!known()) throw error;
      // Nobody can tell how much is written; so this member waits until it has caught up.
      return;
    }
    if (fits()) return;
    const has = known() ? `has written ${consensus.state.index} only` : 'does not know it';
    const message =
      `Node "${name}" has generation ${generation}, but the control plane ${has}: it was set up anew, or has lost ` +
      'data. Bring its data back, or stop the agent and move its data folder away, so that it joins as a new node';
    throw new CellError('CELL_E_GENERATION_LOST', message);
  }

  async #register(): Promise<void> {
    const { consensus, clock } = this.#parts;
    const command = { kind: 'register-node', timeMs: clock.wallMs(), ...this.#node! } as const;
    const result = await consensus.submit(command, registerTimeoutMs);
    if (!result.ok) throw new CellError(result.code, result.message);
  }

  /** Until it is written or refused. A refusal, such as a name that is taken, ends the session. */
  async #registerBeside(): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      await this.#register();
    } catch (error) {
      if (this.#closed()) return;
      if (isRefusal(error)) {
        this.#fail(error);
        return;
      }
      log.info({ err: error, node: this.#node?.name }, 'A node could not be registered again yet; trying again');
      clock.after(registerRetryMs, () => {
        if (!this.#closed()) void this.#registerBeside();
      });
    }
  }

  async #catchUp(generation: number): Promise<void> {
    const { consensus, clock } = this.#parts;
    const startMs = clock.monotonicMs();
    while (consensus.state.index < generation && !this.#closed()) {
      if (clock.monotonicMs() - startMs >= catchUpMaxMs) {
        const has = `this member has applied ${consensus.state.index} only`;
        throw new CellError('CELL_E_TIMEOUT', `The agent has generation ${generation}, ${has}; try another member`);
      }
      await new Promise<void>((resolve) => {
        clock.after(catchUpPollMs, resolve);
      });
    }
  }

  #beat(message: Heartbeat): void {
    const last = this.#heartbeat?.message.sequence;
    if (last !== undefined && message.sequence <= last) {
      throw new CellError('CELL_E_INVALID', `Heartbeat ${message.sequence} came after heartbeat ${last}`);
    }
    this.#heardMs = this.#parts.clock.monotonicMs();
    this.#heartbeat = { message, atMs: this.#heardMs };
    if (last === undefined) this.#parts.host.heardFirst();
    // Only an agent that is here now may contradict the state: two sessions of one node must not take turns in it.
    if (this.live) this.#parts.reports.add(this.#said.contradicted(this.#parts.consensus.state), false);
  }

  #report(report: Report): void {
    const reports = readReports(this.nodeId, report.allocations);
    this.#said.take(reports);
    if (this.live) {
      this.#parts.reports.add(reports, false);
      return;
    }
    this.#early.push(...reports);
    if (this.#early.length > reportsMax) {
      throw new CellError('CELL_E_OVERLOADED', `More than ${reportsMax} reports came before the session was ready`);
    }
  }

  /** An allocation on this node may have changed; `flush` sends what has. */
  mark(allocationId: string): void {
    this.#outbox.mark(allocationId);
    this.#said.mark(allocationId);
  }

  /** Everything may have changed. */
  markAll(): void {
    this.#outbox.markAll();
    this.#said.markAll();
  }

  flush(): void {
    this.#guarded(() => this.#outbox.flush());
  }

  /** The stream takes words again. */
  drained(): void {
    this.#guarded(() => this.#outbox.drained());
  }

  /** The leader has confirmed this heartbeat. */
  renewLease(sequence: bigint): void {
    this.#guarded(() => this.#outbox.renewLease(sequence));
  }

  /** Asks the agent to open a stream. Throws `CELL_E_OVERLOADED`. */
  request(message: SessionMessage): void {
    if (!this.#closed()) this.#outbox.request(message);
  }

  #guarded(act: () => void): void {
    if (this.#closed()) return;
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (error instanceof CellError) this.close(error);
    else {
      this.#parts.log.error(
        { err: error, node: this.#node?.name },
        'A session failed for a reason that should not happen',
      );
      this.close(new CellError('CELL_E_INTERNAL', 'The session failed in the control plane; its log tells why'));
    }
  }

  /** Ends the session: its agent comes back, here or elsewhere. */
  close(reason: CellError): void {
    if (this.#closed()) return;
    this.gone();
    const node = this.#node?.name ?? 'unknown';
    this.#parts.log.info({ node, code: reason.code }, `An agent's session was ended: ${reason.message}`);
    this.#stream.end(reason);
  }

  /** The agent has gone. */
  gone(): void {
    if (this.#closed()) return;
    this.#phase = 'closed';
    this.#early = [];
    this.#outbox.close();
    this.#parts.host.left(this);
  }

  #closed(): boolean {
    return this.#phase === 'closed';
  }
}

/** The state machine has decided; asking again would not change it. */
function isRefusal(error: unknown): boolean {
  return error instanceof CellError && ['CELL_E_CONFLICT', 'CELL_E_LIMIT', 'CELL_E_INVALID'].includes(error.code);
}
