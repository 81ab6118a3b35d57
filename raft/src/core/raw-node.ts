import { encodeConfChange } from './confchange/conf-change-codec.ts';
import { CoreError } from './core-error.ts';
import { InvariantError } from './invariant-error.ts';
import { applyConfChange } from './membership.ts';
import type { MessageDraft } from './message.ts';
import { draftMessage, isLocalTarget, isLocalType, isResponseType } from './message.ts';
import { whyImpossible } from './propose.ts';
import type { Raft } from './raft.ts';
import { ReadyBuilder } from './ready-builder.ts';
import { startRaft } from './start-raft.ts';
import type { BasicStatus, Status } from './status.ts';
import { basicStatus, fullStatus } from './status.ts';
import { step } from './step.ts';
import { tick } from './tick.ts';
import type { ConfChange, Config, ConfState, Entry, EntryType, Message, NodeId, Ready } from './types.ts';

/** Where proposals of this leader stand in the log: the first of them; the others follow without a gap. */
export interface ProposalPlace {
  readonly term: number;
  readonly index: number;
}

/**
 * One member of a Raft cluster, without clock, disk or network: calls and messages go in, a Ready comes out. Its
 * ordering contract is written at `Ready`. Errors are CoreError; an InvariantError means that a bug was found, or
 * that the contract was broken, and that the process must stop.
 */
export class RawNode {
  private readonly raft: Raft;
  private readonly builder: ReadyBuilder;

  constructor(config: Config) {
    this.raft = startRaft(config);
    this.builder = new ReadyBuilder(this.raft);
  }

  /** One unit of time: see `electionTicks`. Never make up for ticks that a stall has left out. */
  tick(): void {
    tick(this.raft);
  }

  /** Begins an election now, by pre-vote if that is on. */
  campaign(): void {
    this.stepOwn(draftMessage('hup', this.raft.id));
  }

  /**
   * Proposes entries that are to follow on one another. On the leader returns their place; elsewhere they are
   * forwarded and `undefined` is returned. Throws `proposal-dropped` if there is no leader or no room. Being appended
   * is no promise: the entries are committed once they come out in `committedEntries` with that same term.
   */
  propose(data: readonly Uint8Array[]): ProposalPlace | undefined {
    return this.proposeEntries('normal', data);
  }

  /**
   * Proposes a change of membership; it takes effect when it is applied. A change that can't be made at this moment
   * (another is pending, or the configuration is joint) becomes an empty normal entry at the returned place; one
   * that can't follow on the present membership at all is refused with `conf-change-invalid` if we are the leader.
   */
  proposeConfChange(change: ConfChange): ProposalPlace | undefined {
    const { raft } = this;
    const data = encodeConfChange(change);
    const joint = raft.tracker.membership.voters.outgoing.length > 0;
    if (raft.role === 'leader' && !raft.config.disableConfChangeValidation && !joint && change.changes.length > 0) {
      const reason = raft.pendingConfIndex > raft.log.applied ? undefined : whyImpossible(raft, change);
      if (reason !== undefined) throw new CoreError('conf-change-invalid', `Can't change the membership: ${reason}`);
    }
    return this.proposeEntries('conf-change', [data]);
  }

  /**
   * Puts a committed change in force; to be called for every `conf-change` entry when it is applied, in order. Give
   * the entry's index: a change that a snapshot already holds is then left out, which matters when applying lags
   * behind. A change that is impossible is left out as well, and traced as an error. Returns what is in force.
   */
  applyConfChange(change: ConfChange, index?: number): ConfState {
    if (index !== undefined && index <= this.raft.membershipFloor) return this.raft.tracker.confState();
    return applyConfChange(this.raft, change);
  }

  /** Takes a message from a peer, or from our own storage threads. */
  step(message: Message): void {
    const local = isLocalTarget(message.from);
    if (isLocalType(message.type) && !local) {
      throw new CoreError(
        'step-local-message',
        `A '${message.type}' message must not come from member '${message.from}'`,
      );
    }
    if (!local && isResponseType(message.type) && !this.raft.tracker.progress.has(message.from)) {
      throw new CoreError(
        'step-peer-not-found',
        `A '${message.type}' message came from '${message.from}', who is not a member`,
      );
    }
    step(this.raft, message);
  }

  hasReady(): boolean {
    return this.builder.hasReady();
  }

  /** Takes out everything that is due. Without `asyncStorageWrites` an `advance` must follow before the next one. */
  ready(): Ready {
    return this.builder.ready();
  }

  /** The latest Ready was stored, sent and applied. */
  advance(): void {
    if (this.raft.config.asyncStorageWrites) {
      throw new InvariantError('With asyncStorageWrites there is no advance: step the responses instead');
    }
    for (const message of this.builder.takeStepsOnAdvance()) step(this.raft, message);
  }

  status(): Status {
    return fullStatus(this.raft);
  }

  /** Without the progress map. */
  basicStatus(): BasicStatus {
    return basicStatus(this.raft);
  }

  /** A message to `id` could not be delivered. */
  reportUnreachable(id: NodeId): void {
    const message = draftMessage('unreachable', this.raft.id);
    message.from = id;
    step(this.raft, message);
  }

  /** The snapshot sent to `id` was taken over, or it was not. Every snapshot needs a report, or `id` waits for ever. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const message = draftMessage('snapshot-status', this.raft.id);
    message.from = id;
    message.reject = !ok;
    step(this.raft, message);
  }

  /** Asks for leadership to go to `id`; a follower passes it on. Aborted after one election timeout. */
  transferLeader(id: NodeId): void {
    const message = draftMessage('transfer-leader', this.raft.id);
    message.from = id;
    step(this.raft, message);
  }

  /** A follower forgets its leader, and so may vote at once: for when one knows that the leader is gone. */
  forgetLeader(): void {
    this.stepOwn(draftMessage('forget-leader', this.raft.id));
  }

  /**
   * Asks for a linearizable read. The answer comes in `readStates` with the same `context`, or never (no leader, a
   * lost message): try again after a while, with another context.
   */
  readIndex(context: Uint8Array): void {
    const message = draftMessage('read-index', this.raft.id);
    message.context = context;
    step(this.raft, message);
  }

  /**
   * With `asyncStorageWrites`: whether committed entries may be applied before they are stored here. They are stored
   * by a quorum of others then, so all that it takes is a state machine that a crash takes back to what is stored.
   */
  applyBeforeStored(on: boolean): void {
    this.builder.applyUnstable = on;
  }

  /** For tests and simulators: sets this round's election timeout, which is otherwise drawn at random. */
  overrideElectionTicks(ticks: number): void {
    this.raft.randomizedElectionTicks = ticks;
  }

  private proposeEntries(type: EntryType, data: readonly Uint8Array[]): ProposalPlace | undefined {
    const { raft } = this;
    const entries: Entry[] = [];
    for (const bytes of data) entries.push({ term: 0, index: 0, type, data: bytes });
    const leading = raft.role === 'leader';
    const index = raft.log.lastIndex() + 1;
    const message = draftMessage('propose', raft.id);
    message.entries = entries;
    this.stepOwn(message);
    return leading ? { term: raft.term, index } : undefined;
  }

  private stepOwn(message: MessageDraft): void {
    message.from = this.raft.id;
    step(this.raft, message);
  }
}
