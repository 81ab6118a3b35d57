/**
 * All agents' sessions at this member. Passes each change of the state on to the sessions whose nodes it touches, once
 * per event-loop turn, and ends those that have gone silent.
 */
import type { Usage } from '@cell/proto';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { StateChange } from '../state/fleet-state.ts';
import {
  AgentSession,
  type ProvenNode,
  type SessionHost,
  type SessionParts,
  type SessionSettings,
  type SessionStream,
} from './agent-session.ts';

export interface RegistryParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: SessionSettings;
}

/** The newest heartbeat of one session. */
export interface HeardSession {
  readonly nodeId: string;
  readonly sequence: bigint;
  /** Time since it came in. */
  readonly ageMs: number;
  /** The session itself, to tell it from a later one of the same node. */
  readonly session: object;
}

const sessionsMax = 20_000;
/** Sessions of one node in which nothing was said: an agent has one, and others while it finds a better member. */
export const silentSessionsMax = 8;
const sweepPeriodMs = 1_000;
/** A longer time between two sweeps means that this process stood still, and has not read what agents sent. */
const stallMs = 3_000;

export class SessionRegistry implements SessionHost {
  readonly #parts: RegistryParts;
  readonly #sessions = new Set<AgentSession>();
  readonly #byNode = new Map<string, AgentSession>();
  /** Those that have not said Hello, by the node that their certificate names. */
  readonly #silent = new Map<string, Set<AgentSession>>();
  readonly #touched = new Set<AgentSession>();
  readonly #stops: (() => void)[];
  #flushing = false;
  #news = false;
  #sweptMs: number;
  #patientUntilMs = 0;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#sweptMs = parts.clock.monotonicMs();
    this.#stops = [
      parts.consensus.onChange((change) => this.#changed(change)),
      parts.clock.every(sweepPeriodMs, () => this.#sweep()),
    ];
  }

  /** Agents that are connected here. */
  get size(): number {
    return this.#byNode.size;
  }

  /** Begins a session. Throws `CELL_E_OVERLOADED`. */
  open(stream: SessionStream, reports: SessionParts['reports'], proven: ProvenNode): AgentSession {
    if (this.#sessions.size >= sessionsMax) {
      throw new CellError('CELL_E_OVERLOADED', `This member serves ${sessionsMax} agents already; try another member`);
    }
    const silent = this.#silent.get(proven.nodeId) ?? new Set();
    if (silent.size >= silentSessionsMax) {
      const message = `Node "${proven.nodeId}" has ${silent.size} sessions in which it has said nothing; end some first`;
      throw new CellError('CELL_E_OVERLOADED', message);
    }
    const session = new AgentSession({ ...this.#parts, reports, host: this }, stream, proven);
    this.#sessions.add(session);
    this.#silent.set(proven.nodeId, silent.add(session));
    return session;
  }

  admit(session: AgentSession): void {
    this.#spoke(session);
    const older = this.#byNode.get(session.nodeId);
    this.#byNode.set(session.nodeId, session);
    if (older === undefined) return;
    const advice = 'if two machines have the same node id, give one a new data folder';
    older.close(new CellError('CELL_E_CONFLICT', `Node ${session.nodeId} has begun a newer session; ${advice}`));
  }

  heardFirst(): void {
    this.#news = true;
  }

  /** Whether a session has sent its first heartbeat since this was last asked. */
  takeNews(): boolean {
    const news = this.#news;
    this.#news = false;
    return news;
  }

  left(session: AgentSession): void {
    this.#spoke(session);
    this.#sessions.delete(session);
    this.#touched.delete(session);
    if (this.#byNode.get(session.nodeId) === session) this.#byNode.delete(session.nodeId);
  }

  #spoke(session: AgentSession): void {
    const silent = this.#silent.get(session.provenId);
    silent?.delete(session);
    if (silent?.size === 0) this.#silent.delete(session.provenId);
  }

  /** The session of a node's agent, if it is served here now. */
  session(nodeId: string): AgentSession | undefined {
    const session = this.#byNode.get(nodeId);
    return session?.live === true ? session : undefined;
  }

  usage(nodeId: string, allocationId: string): Usage | undefined {
    return this.#byNode.get(nodeId)?.usage(allocationId);
  }

  *heard(): Iterable<HeardSession> {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [nodeId, session] of this.#byNode) {
      const newest = session.newestHeartbeat;
      if (newest === undefined) continue;
      yield { nodeId, sequence: newest.sequence, ageMs: Math.round(nowMs - newest.atMs), session };
    }
  }

  renewLeases(heard: readonly HeardSession[]): void {
    for (const { nodeId, sequence, session } of heard) {
      const current = this.#byNode.get(nodeId);
      if (current === session) current.renewLease(sequence);
    }
  }

  closeSession(nodeId: string, reason: CellError): void {
    this.#byNode.get(nodeId)?.close(reason);
  }

  /** Ends sessions by the node that their certificates name, also those that have not said Hello yet. */
  closeNodes(nodeIds: ReadonlySet<string>, reason: CellError): void {
    for (const session of this.#sessions) if (nodeIds.has(session.provenId)) session.close(reason);
  }

  /** Ends all sessions: this member stops. */
  close(reason: CellError): void {
    for (const stop of this.#stops) stop();
    for (const session of this.#sessions) session.close(reason);
  }

  #changed(change: StateChange | 'replaced'): void {
    if (change === 'replaced' || change.authorities) for (const session of this.#sessions) session.tellTrust();
    if (change === 'replaced') {
      for (const session of this.#byNode.values()) {
        session.markAll();
        this.#touched.add(session);
      }
    } else {
      for (const { id, nodeId } of change.allocations) this.#touch(nodeId, id);
      for (const { id, nodeId } of change.removedAllocations) this.#touch(nodeId, id);
    }
    if (this.#flushing || this.#touched.size === 0) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #touch(nodeId: string, allocationId: string): void {
    const session = this.#byNode.get(nodeId);
    if (session === undefined) return;
    session.mark(allocationId);
    this.#touched.add(session);
  }

  #flush(): void {
    this.#flushing = false;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const session of touched) session.flush();
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const { leaseMs } = this.#parts.settings;
    if (nowMs - this.#sweptMs > stallMs) this.#patientUntilMs = nowMs + leaseMs;
    this.#sweptMs = nowMs;
    if (nowMs < this.#patientUntilMs) return;
    for (const session of this.#sessions) {
      if (nowMs - session.heardMs <= leaseMs) continue;
      session.close(new CellError('CELL_E_TIMEOUT', `Nothing was heard from the agent for ${leaseMs / 1_000} s`));
    }
  }
}
