import { CellError } from '../cell-error.ts';
import type { Clock, MembershipChange, Replication } from '../ports.ts';
import { LEADERLESS_MS_MAX, type LeadershipTracker } from './leadership-tracker.ts';
import type { MembershipChanges } from './membership-changes.ts';
import type { GrpcPeers } from './peers/grpc-peers.ts';
import { noLeader, outcomeUnknown } from './raft-error.ts';

export interface MembershipForwarderParts {
  readonly changes: Pick<MembershipChanges, 'change'>;
  /** Of this member; throws `CELL_E_NOT_LEADER` unless it leads. */
  readonly ownReplication: () => Replication;
  readonly peers: Pick<GrpcPeers, 'changeMembership' | 'replication'>;
  readonly leadership: LeadershipTracker;
  readonly clock: Clock;
}

/** Pause before the leader is asked again that was none a moment ago. */
const RETRY_MS = 50;

/** Brings changes of membership to the leader, wherever that goes meanwhile. */
export class MembershipForwarder {
  readonly #parts: MembershipForwarderParts;

  constructor(parts: MembershipForwarderParts) {
    this.#parts = parts;
  }

  /**
   * Gives the change's Raft index. It is sent again only if the leader says that it is none and has written nothing:
   * also when it has handed leadership over so that another one can remove it. Rejects with `CELL_E_OUTCOME_UNKNOWN` if
   * the leader could not be reached to the end; making the same change again is right then.
   */
  async change(change: MembershipChange, timeoutMs: number): Promise<number> {
    const { clock, leadership } = this.#parts;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let refusal: unknown;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      const waitMs = Math.min(leftMs, LEADERLESS_MS_MAX);
      if (leftMs <= 0) throw noLeader(timeoutMs, refusal);
      if (!(await leadership.known(clock, waitMs))) throw noLeader(waitMs, refusal);
      try {
        return await this.#ask(change, Math.max(1, deadlineMs - clock.monotonicMs()));
      } catch (error) {
        if (!(error instanceof CellError) || error.code !== 'CELL_E_NOT_LEADER') throw error;
        refusal = error;
      }
      await new Promise<void>((resolve) => {
        clock.after(RETRY_MS, resolve);
      });
    }
  }

  /** Asks the leader how far the members are; rejects with `CELL_E_NO_LEADER`, `_NOT_LEADER` or `_PEER_UNREACHABLE`. */
  async replication(timeoutMs: number): Promise<Replication> {
    const { leadership, peers, ownReplication } = this.#parts;
    const { leaderId, leading } = leadership.current;
    if (leading) return ownReplication();
    if (leaderId === 0) throw noLeader(0);
    return peers.replication(leaderId, timeoutMs);
  }

  async #ask(change: MembershipChange, timeoutMs: number): Promise<number> {
    const { changes, peers, leadership } = this.#parts;
    const { leaderId, leading } = leadership.current;
    if (leading) return this.#within(timeoutMs, changes.change(change));
    if (leaderId === 0) throw new CellError('CELL_E_NOT_LEADER', 'There is no leader at the moment');
    try {
      return await peers.changeMembership(leaderId, change, timeoutMs);
    } catch (error) {
      if (!(error instanceof CellError) || error.code !== 'CELL_E_PEER_UNREACHABLE') throw error;
      throw outcomeUnknown(`${error.message}. The same change may be made again`, error);
    }
  }

  /** What is proposed can't be taken back: after the time-out it may still be committed. */
  #within(timeoutMs: number, work: Promise<number>): Promise<number> {
    return new Promise((resolve, reject) => {
      const stop = this.#parts.clock.after(timeoutMs, () => {
        reject(outcomeUnknown(`it was not committed within ${Math.round(timeoutMs)} ms`));
      });
      work.then(resolve, reject).finally(stop);
    });
  }
}
