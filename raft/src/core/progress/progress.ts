import { InvariantError } from '../invariant-error.ts';
import type { Inflights } from './inflights.ts';

/**
 * probe: we don't know where the follower's log ends; one message at a time.
 * replicate: the follower follows; messages go out optimistically, within the in-flight limits.
 * snapshot: the entries it needs are compacted; nothing is sent until the snapshot's fate is known.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** A copy of a follower's progress, for status and for trace events. */
export interface ProgressView {
  readonly state: ProgressState;
  readonly match: number;
  readonly next: number;
  readonly learner: boolean;
  readonly paused: boolean;
  readonly pendingSnapshot: number;
  readonly recentlyActive: boolean;
  readonly inflight: number;
  readonly inflightBytes: number;
  readonly inflightFull: boolean;
}

/** What the leader knows of one member's log. */
export class Progress {
  /** Known to be stored there. Invariant: match < next. */
  match: number;
  /** The next index to send. */
  next: number;
  state: ProgressState = 'probe';
  /** Index of the snapshot on its way, only in state `snapshot`; 0 if none. */
  pendingSnapshot = 0;
  /** Anything was heard since the last check of the quorum. */
  recentlyActive: boolean;
  /** One message is out and its answer is awaited: nothing more before that, or before a heartbeat's answer. */
  appendPaused = false;
  learner: boolean;
  readonly inflights: Inflights;
  /** The highest commit index that was sent; it says whether an empty message would tell anything new. */
  private sentCommit = 0;

  constructor(match: number, next: number, inflights: Inflights, learner: boolean, recentlyActive: boolean) {
    this.match = match;
    this.next = next;
    this.inflights = inflights;
    this.learner = learner;
    this.recentlyActive = recentlyActive;
  }

  /** A twin for the membership changer to work on; it replaces the original or is thrown away. */
  clone(): Progress {
    const twin = new Progress(this.match, this.next, this.inflights, this.learner, this.recentlyActive);
    twin.state = this.state;
    twin.pendingSnapshot = this.pendingSnapshot;
    twin.appendPaused = this.appendPaused;
    twin.sentCommit = this.sentCommit;
    return twin;
  }

  /** Back to the start, when the term changes. */
  reset(match: number, next: number): void {
    this.resetState('probe');
    this.match = match;
    this.next = next;
    this.recentlyActive = false;
    this.sentCommit = 0;
  }

  becomeProbe(): void {
    // After a snapshot that went through, the follower is probed right behind it.
    const next = this.state === 'snapshot' ? Math.max(this.match + 1, this.pendingSnapshot + 1) : this.match + 1;
    this.resetState('probe');
    this.next = next;
    this.sentCommit = Math.min(this.sentCommit, next - 1);
  }

  becomeReplicate(): void {
    this.resetState('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.resetState('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  paused(): boolean {
    return this.state === 'snapshot' || this.appendPaused;
  }

  /** Accounts for an append message that was just sent. */
  noteSent(entries: number, bytes: number, commit: number): void {
    this.sentCommit = commit;
    if (this.state === 'replicate') {
      if (entries > 0) {
        this.next += entries;
        this.inflights.add(this.next - 1, bytes);
      }
      // A message that fills the window, or finds it full, is a probe: wait for an answer.
      this.appendPaused = this.inflights.full();
    } else if (this.state === 'probe') {
      if (entries > 0) this.appendPaused = true;
    } else {
      throw new InvariantError("Nothing may be appended to a follower in state 'snapshot'");
    }
  }

  /** Accounts for a heartbeat, which carries a commit index too. */
  noteSentCommit(commit: number): void {
    this.sentCommit = commit;
  }

  /** Would an append message tell the follower of a commit that it can use and has not been told? */
  canBumpCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** The follower has everything up to `index`. False if that is nothing new. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.appendPaused = false;
    return true;
  }

  /** The follower has got the messages up to `index`, which is no promise to keep them. True if more may be sent. */
  noteReceived(index: number): boolean {
    if (this.state !== 'replicate' || index >= this.next) return false;
    this.inflights.freeUpTo(index);
    if (this.inflights.full()) return false;
    this.appendPaused = false;
    return true;
  }

  /**
   * The follower refused the message after `rejected`, and guesses that our logs meet at `hint`. False if the
   * refusal is an old one.
   */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      // Probes go out one at a time, so anything but an answer to the latest is stale.
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.appendPaused = false;
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    return true;
  }

  view(): ProgressView {
    return {
      state: this.state,
      match: this.match,
      next: this.next,
      learner: this.learner,
      paused: this.paused(),
      pendingSnapshot: this.pendingSnapshot,
      recentlyActive: this.recentlyActive,
      inflight: this.inflights.count,
      inflightBytes: this.inflights.usedBytes,
      inflightFull: this.inflights.full(),
    };
  }

  private resetState(state: ProgressState): void {
    this.state = state;
    this.appendPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
