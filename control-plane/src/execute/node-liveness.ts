/**
 * Runs on the leader: knows when each node was seen last, and has the state say which nodes are lost or ready again.
 *
 * A node is lost when nothing was seen of it for lease + margin. Its agent counts the same lease from when it sent the
 * heartbeat, which is earlier than when it was seen, so it has stopped what must not run twice before that. A new
 * leader treats every node as seen at its election; so it needs nothing from the old one, and never is too early.
 */
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus, SeenNode, UnconfirmedNodes } from '../ports.ts';
import type { SetNodeStatus } from '../state/commands.ts';
import { CreditedClock } from './credited-clock.ts';

export interface LivenessParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly leaseMs: number;
  readonly marginMs: number;
}

type Verdict = SetNodeStatus['nodes'][number];

const checkPeriodMs = 250;
const stallMs = 1_000;
/** In one command, which the log must take; the others follow with the next checks. */
const verdictsMax = 2_000;

export class NodeLiveness {
  readonly #parts: LivenessParts;
  /** When each node was seen, on the credited clock; nodes that are missing count as seen at the election, at 0. */
  readonly #seenMs = new Map<string, number>();
  #clock: CreditedClock;
  #stopChecks: (() => void) | undefined;
  /** Nodes in a verdict that is proposed and not applied yet. */
  #judging: ReadonlySet<string> = new Set();

  constructor(parts: LivenessParts) {
    this.#parts = parts;
    this.#clock = new CreditedClock(() => parts.clock.monotonicMs(), stallMs);
  }

  /** This member was elected. */
  start(): void {
    this.stop();
    // Begins at 0.
    this.#clock = new CreditedClock(() => this.#parts.clock.monotonicMs(), stallMs);
    this.#stopChecks = this.#parts.clock.every(checkPeriodMs, () => this.#check());
  }

  stop(): void {
    this.#stopChecks?.();
    this.#stopChecks = undefined;
    this.#seenMs.clear();
  }

  /**
   * A member has heard from these nodes. Their heartbeats are confirmed by this, except those of the nodes that it gives
   * back: they are lost or about to be, and a lease must not be renewed while what it stands for is being placed
   * elsewhere. The member tells of them again in a second.
   */
  reported(seen: readonly SeenNode[]): UnconfirmedNodes {
    if (this.#stopChecks === undefined) {
      throw new CellError('CELL_E_NOT_LEADER', 'This member is not the leader, so it renews no leases');
    }
    const nowMs = this.#clock.nowMs();
    const unconfirmed: string[] = [];
    for (const { nodeId, ageMs } of seen) {
      const row = this.#parts.consensus.state.nodes.get(nodeId);
      if (row === undefined) continue;
      const seenMs = nowMs - Math.max(0, ageMs);
      this.#seenMs.set(nodeId, Math.max(seenMs, this.#seenMs.get(nodeId) ?? seenMs));
      if (row.status === 'lost' || this.#judging.has(nodeId)) unconfirmed.push(nodeId);
    }
    if (unconfirmed.length > 0) this.#check();
    return unconfirmed;
  }

  #check(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#judging.size > 0) return;
    const verdicts: Verdict[] = [];
    for (const node of this.#parts.consensus.state.nodes.values()) {
      const verdict = this.#judge(node.id, node.status, nowMs);
      if (verdict !== undefined) verdicts.push(verdict);
      if (verdicts.length >= verdictsMax) break;
    }
    if (verdicts.length > 0) void this.#propose(verdicts);
  }

  #judge(id: string, status: 'ready' | 'lost', nowMs: number): Verdict | undefined {
    const seenMs = this.#seenMs.get(id);
    const { leaseMs, marginMs } = this.#parts;
    if (status === 'lost') {
      if (seenMs === undefined || nowMs - seenMs >= leaseMs) return undefined;
      return { id, status: 'ready', message: 'Its agent is heard again' };
    }
    const silentMs = nowMs - (seenMs ?? 0);
    if (silentMs <= leaseMs + marginMs) return undefined;
    const silentS = (silentMs / 1_000).toFixed(1);
    const since = seenMs === undefined ? ', since the leader was elected' : '';
    return { id, status: 'lost', message: `Nothing was heard from its agent for ${silentS} s${since}` };
  }

  /** One command for all; what fails is judged again at the next check. */
  async #propose(nodes: readonly Verdict[]): Promise<void> {
    const { consensus, clock, log } = this.#parts;
    this.#judging = new Set(nodes.map((node) => node.id));
    for (const { id, status, message } of nodes) {
      log.warn({ node: consensus.state.nodes.get(id)?.name, status }, message);
    }
    try {
      await consensus.propose({ kind: 'set-node-status', timeMs: clock.wallMs(), nodes });
    } catch (error) {
      log.warn({ err: error, nodes: nodes.length }, 'The change of node status was not written; trying again');
    } finally {
      this.#judging = new Set();
    }
  }

  /** A node that has just become ready counts as seen now, whoever said so. */
  becameReady(nodeIds: Iterable<string>): void {
    if (this.#stopChecks === undefined) return;
    const nowMs = this.#clock.nowMs();
    for (const id of nodeIds) this.#seenMs.set(id, nowMs);
  }

  /** Forgets nodes that are no longer in the state. */
  forget(): void {
    for (const id of this.#seenMs.keys()) if (!this.#parts.consensus.state.nodes.has(id)) this.#seenMs.delete(id);
  }
}
