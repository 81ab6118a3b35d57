import { InvariantError } from './invariant-error.ts';
import { NO_ENTRIES } from './message.ts';
import type { Raft } from './raft.ts';
import { storageAppend, storageAppendResponse, storageApply, storageApplyResponse } from './storage-messages.ts';
import type { Entry, HardState, Message, ReadState, Ready, SoftState } from './types.ts';

const NO_READ_STATES: readonly ReadState[] = [];

/** Gathers what became due into a Ready, and remembers what was given out already. */
export class ReadyBuilder {
  private readonly raft: Raft;
  private softState: SoftState;
  private hardState: HardState;
  /** Without asynchronous storage: what we have to hear from ourselves when the latest Ready is done. */
  private stepsOnAdvance: Message[] = [];
  /** A Ready is out and was not advanced. */
  private pending = false;
  /**
   * Whether entries may be applied before they are stored here. In the synchronous way a Ready stores first and
   * applies then, so both may be in the same one; storage threads keep no such order between them.
   */
  applyUnstable: boolean;

  constructor(raft: Raft) {
    this.raft = raft;
    this.softState = raft.softState();
    this.hardState = raft.hardState();
    this.applyUnstable = !raft.config.asyncStorageWrites;
  }

  hasReady(): boolean {
    const { raft } = this;
    const { log } = raft;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      log.unstable.hasNextEntries() ||
      log.unstable.nextSnapshot() !== undefined ||
      log.hasNextCommitted(this.applyUnstable) ||
      raft.readStates.length > 0 ||
      this.softStateChanged() ||
      this.hardStateChanged()
    );
  }

  ready(): Ready {
    const { raft } = this;
    const { log, config } = raft;
    if (this.pending) throw new InvariantError('The latest Ready was not advanced');
    const entries = log.unstable.hasNextEntries() ? log.unstable.nextEntries() : NO_ENTRIES;
    const committedEntries = log.nextCommitted(this.applyUnstable);
    const snapshot = log.unstable.nextSnapshot();
    const softState = this.softStateChanged() ? raft.softState() : undefined;
    const hardState = this.hardStateChanged() ? raft.hardState() : undefined;
    // A commit index alone needs no sync: it can be learnt again.
    const mustSync = entries.length > 0 || raft.term !== this.hardState.term || raft.vote !== this.hardState.vote;
    const readStates = raft.readStates.length === 0 ? NO_READ_STATES : raft.readStates;
    // Both arrays are given away, so new ones take their place even where they are empty.
    const messages = raft.messages;
    const promises = raft.messagesAfterAppend;
    raft.messages = [];
    raft.messagesAfterAppend = [];

    if (config.asyncStorageWrites) {
      // A promise without anything to store waits too: for all that is being stored before it.
      if (entries.length > 0 || hardState !== undefined || snapshot !== undefined || promises.length > 0) {
        messages.push(storageAppend(raft, entries, hardState, snapshot, promises));
      }
      if (committedEntries.length > 0) messages.push(storageApply(raft, committedEntries));
    } else {
      for (const message of promises) {
        if (message.to === raft.id) this.stepsOnAdvance.push(message);
        else messages.push(message);
      }
      const stored = storageAppendResponse(raft, snapshot);
      if (stored !== undefined) this.stepsOnAdvance.push(stored);
      if (committedEntries.length > 0) this.stepsOnAdvance.push(storageApplyResponse(raft, committedEntries));
      this.pending = true;
    }
    this.accept(softState, hardState, committedEntries);
    return { softState, hardState, readStates, entries, snapshot, committedEntries, messages, mustSync };
  }

  takeStepsOnAdvance(): readonly Message[] {
    this.pending = false;
    const steps = this.stepsOnAdvance;
    if (steps.length > 0) this.stepsOnAdvance = [];
    return steps;
  }

  /** From here on all of it counts as handed out. */
  private accept(
    softState: SoftState | undefined,
    hardState: HardState | undefined,
    committed: readonly Entry[],
  ): void {
    const { raft } = this;
    if (softState !== undefined) this.softState = softState;
    if (hardState !== undefined) this.hardState = hardState;
    if (raft.readStates.length > 0) raft.readStates = [];
    raft.log.unstable.acceptInProgress();
    if (committed.length > 0) raft.log.acceptApplying(committed, this.applyUnstable);
  }

  private softStateChanged(): boolean {
    return this.raft.leader !== this.softState.leader || this.raft.role !== this.softState.role;
  }

  private hardStateChanged(): boolean {
    const { raft, hardState } = this;
    return raft.term !== hardState.term || raft.vote !== hardState.vote || raft.log.committed !== hardState.commit;
  }
}
