import { InvariantError } from './invariant-error.ts';
import { Lease } from './lease.ts';
import { RaftLog } from './log/raft-log.ts';
import type { MessageDraft } from './message.ts';
import { Tracker } from './progress/tracker.ts';
import { ReadOnly } from './read-only.ts';
import type { Config, HardState, Message, NodeId, ReadState, Role, SoftState, TraceEvent } from './types.ts';

/** Read requests that a leader holds back until it has committed in its term, and those that wait for a quorum. */
export const PENDING_READS_MAX = 10_000;

/**
 * The state of one member: what the paper's figure 2 lists, and what goes out. The rules that change it stand in
 * the files beside this one, by subject; they are functions over this object.
 */
export class Raft {
  readonly id: NodeId;
  readonly config: Config;
  readonly log: RaftLog;
  readonly tracker = new Tracker();
  readonly readOnly = new ReadOnly();

  term = 0;
  vote: NodeId = 0;
  leader: NodeId = 0;
  role: Role = 'follower';

  /** Sent as soon as the Ready is out; storing may be still under way. */
  messages: Message[] = [];
  /** Promises (votes, acknowledgements) and requests for votes: sent only when everything before them is durable. */
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  /** Held back on a leader that has not committed anything in its term. */
  pendingReads: Message[] = [];

  /** Who is to take over leadership; 0 if nobody. */
  transferee: NodeId = 0;
  /** A transfer was begun in this term: its target may campaign in spite of our lease, so the lease is no proof. */
  leaseBroken = false;
  /** Kept up on a leader that may answer reads by lease. */
  readonly lease: Lease;
  /**
   * With reads by lease or `keepPromise`, after a start: a leader may count on a promise that was given before and is
   * forgotten. Until one election timeout has passed this member votes for nobody.
   */
  promiseForgotten = false;
  /** Membership changes above the applied index may be in the log up to here: none is added before. */
  pendingConfIndex = 0;
  /** Bytes of entries proposed here that are not yet applied. */
  uncommittedSize = 0;
  /** The index of the latest snapshot that set the membership: changes at or below it are included already. */
  membershipFloor = 0;

  /** Ticks since this leader's or candidate's last timeout, or since a follower heard from its leader. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew at every change of role or term, in [electionTicks, 2 * electionTicks - 1]. */
  randomizedElectionTicks = 0;

  constructor(config: Config) {
    this.id = config.id;
    this.config = config;
    this.lease = new Lease(config.leaseTime);
    this.log = new RaftLog(config.log, config.committedSizePerReadyMax, config.trace);
  }

  softState(): SoftState {
    return { leader: this.leader, role: this.role };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** May this member become leader: a voter whose state is not just being replaced by a snapshot. */
  promotable(): boolean {
    const own = this.tracker.progress.get(this.id);
    return own !== undefined && !own.learner && this.log.unstable.snapshot === undefined;
  }

  /**
   * Has this leader committed an entry of its own term? Before, it doesn't know how far its predecessors committed
   * (the dissertation, section 6.4).
   */
  committedInOwnTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }

  /** Puts a message into the right queue, with our id and term. */
  send(message: MessageDraft): void {
    if (message.from === 0) message.from = this.id;
    switch (message.type) {
      case 'vote':
      case 'pre-vote':
      case 'vote-response':
      case 'pre-vote-response':
        // Their term is part of what they say: a pre-vote speaks of a term that nobody is in.
        if (message.term === 0) throw new InvariantError(`A '${message.type}' message needs a term`);
        break;
      case 'propose':
      case 'read-index':
        // Passed on to the leader on behalf of a client, whatever the term.
        break;
      default:
        message.term = this.term;
    }
    switch (message.type) {
      case 'append-response':
      case 'vote-response':
      case 'pre-vote-response':
        // What these promise has to survive a crash, so they wait for the disk.
        this.messagesAfterAppend.push(message);
        break;
      case 'vote':
        // So does the term that it is asked for: no member may stand in a term that it could forget.
        if (this.config.storeBeforeCampaign) this.messagesAfterAppend.push(message);
        else this.messages.push(message);
        break;
      default:
        if (message.to === this.id) throw new InvariantError(`A '${message.type}' message must not go to its sender`);
        this.messages.push(message);
    }
  }

  trace(event: TraceEvent): void {
    this.config.trace?.(event);
  }
}
