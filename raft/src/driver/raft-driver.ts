import {
  type ConfChange,
  type ConfState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type NodeId,
  type ProposalPlace,
  type RawNode,
  type Ready,
  type Snapshot,
  type SoftState,
} from '../core/index.ts';
import { AppliedWaiters } from './applied-waiters.ts';
import { Applier } from './applier.ts';
import { coreStatus, memoryUse, successorsOf } from './core-status.ts';
import { Deadlines } from './deadlines.ts';
import { DiskWatch } from './disk-watch.ts';
import { LastContacts } from './last-contacts.ts';
import { LeadershipTransfers } from './leadership-transfer.ts';
import { LogWriter } from './log-writer.ts';
import { makeCore } from './make-core.ts';
import {
  type DiskState,
  type Driver,
  type DriverOptions,
  RaftError,
  type RaftStatus,
  type SnapshotData,
} from './ports.ts';
import { type ProposalResult, Proposals } from './proposals.ts';
import { READ_RETRY_TICKS, Reads } from './reads.ts';
import { appended, diskFull, logOverfull, notLeader } from './refusals.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { SNAPSHOT_RETRY_MS, SnapshotTaker } from './snapshot-taker.ts';
import { stepOwn, stepPeers } from './step-peers.ts';

/** Readys in one turn: applying can make the next one due at once, but others must get their turn too. */
const READYS_PER_TURN_MAX = 16;

/** A leader that lost its office waits for the fate of its proposals for so many election timeouts. */
const OUTCOME_ELECTIONS = 10;

const INCARNATIONS = 2 ** 31;

/**
 * Runs the core: gathers what comes in during one turn of the event loop, and at the turn's end stores, sends and
 * applies what is due. See `startDriver`.
 */
export class RaftDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #node: RawNode;
  readonly #deadlines: Deadlines;
  readonly #proposals: Proposals;
  readonly #waiters: AppliedWaiters;
  readonly #applier: Applier;
  readonly #reads: Reads;
  readonly #writer: LogWriter;
  readonly #taker: SnapshotTaker;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #transfers: LeadershipTransfers;
  readonly #contacts: LastContacts;
  readonly #disk: DiskWatch;
  readonly #electionTicks: number;
  readonly #stopTicking: () => void;
  readonly #defer: (work: () => void) => void;
  #softState: SoftState = { leader: 0, role: 'follower' };
  #term = 0;
  #scheduled = false;
  #stopped: RaftError | undefined;

  /** `snapshotIndex`: that of the snapshot which the state machine was restored from, if there was one. */
  constructor(options: DriverOptions, snapshotIndex: number | undefined) {
    const { store, machine, transport } = options;
    // Founders begin behind the founding place, which is like a snapshot without data.
    const applied = snapshotIndex ?? store.firstIndex() - 1;
    this.#options = options;
    this.#electionTicks = Math.round(options.electionMs / options.heartbeatMs);
    this.#defer = options.defer ?? ((work) => setImmediate(work));
    this.#deadlines = new Deadlines(options.heartbeatMs);
    this.#proposals = new Proposals(options.pendingProposalsMax, options.pendingProposalBytesMax);
    this.#waiters = new AppliedWaiters(applied, this.#deadlines);
    this.#transfers = new LeadershipTransfers(this.#deadlines, () => this.#node.basicStatus());
    this.#contacts = new LastContacts(options.heartbeatMs);
    this.#applier = new Applier({
      machine,
      proposals: this.#proposals,
      waiters: this.#waiters,
      applyConfChange: (change, index) => this.#node.applyConfChange(change, index),
      conf: store.initialState().conf,
      membershipIndex: applied,
    });
    const onError = (error: Error) => this.#fail(error);
    this.#taker = new SnapshotTaker({
      store,
      machine,
      applier: this.#applier,
      everyEntries: options.snapshotEveryEntries,
      everyBytes: options.snapshotEveryBytes,
      logBytesMax: options.logBytesMax,
      keepEntries: options.keepEntries,
      snapshotIndex: snapshotIndex ?? 0,
      installing: () => this.#writer.installing,
      // What is held was applied, perhaps, but the log does not reach so far.
      unfit: () => this.#writer.installing || this.#writer.holding,
      later: (work) => this.#deadlines.after(SNAPSHOT_RETRY_MS, work),
      onError,
    });
    this.#sender = new SnapshotSender({
      store,
      transport,
      report: (peer, accepted) => this.#guard(() => this.#node.reportSnapshot(peer, accepted)),
      onError,
    });
    this.#receiver = new SnapshotReceiver({
      id: options.id,
      store,
      wanted: ({ term }, { meta }) => term >= this.#node.basicStatus().term && meta.index > this.#applier.applied,
      installing: () => this.#writer.installing,
      step: (message) => {
        this.#guard(() => this.#step(message));
        this.#turn();
      },
      onError,
    });
    this.#writer = new LogWriter({
      store,
      restore: (snapshot) => this.#restore(snapshot),
      deliver: (responses) => this.#deliver(responses),
      onHolding: (holding) => this.#holdingChanged(holding),
      onError,
    });
    this.#disk = new DiskWatch({
      store,
      tickMs: options.heartbeatMs,
      successors: () => successorsOf(this.#node.status()),
      handOver: (to) => this.#guard(() => this.#node.transferLeader(to)),
      makeRoom: () => this.#taker.makeRoom(),
      retry: () => this.#writer.retry(),
      onDisk: options.onDisk,
      onError,
    });
    this.#reads = new Reads({
      origin: { id: options.id, incarnation: options.random(INCARNATIONS) },
      waiters: this.#waiters,
      deadlines: this.#deadlines,
      retryTicks: Math.min(READ_RETRY_TICKS, this.#electionTicks),
      ask: (context) => this.#node.readIndex(context),
    });
    this.#node = makeCore(options, this.#taker, applied);
    this.#stopTicking = options.timers.every(options.heartbeatMs, () => this.#tick());
    this.#schedule();
  }

  propose(data: Uint8Array): Promise<ProposalResult> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    if (data.length === 0) return Promise.reject(new RangeError('A proposal must not be empty'));
    if (this.#softState.role !== 'leader') return Promise.reject(this.#notLeader());
    if (this.#disk.refusing || this.#writer.holding) return Promise.reject(this.#diskFull());
    if (this.#taker.overfull) return Promise.reject(logOverfull(this.#options.id));
    this.#schedule();
    return this.#proposals.add(data);
  }

  async changeMembership(change: ConfChange): Promise<{ readonly index: number; readonly conf: ConfState }> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#disk.refusing || this.#writer.holding) throw this.#diskFull();
    const place = this.#append(() => this.#node.proposeConfChange(change));
    this.#schedule();
    const { index, result } = await this.#proposals.track(place);
    // The core puts an empty entry in the place of a change that can't be made now.
    if (result === undefined) throw new RaftError('change-pending', 'Another change of membership is under way');
    return { index, conf: result as ConfState };
  }

  readBarrier(timeoutMs: number): Promise<number> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    if (this.#writer.holdingEnough) return Promise.reject(this.#diskFull());
    this.#schedule();
    return this.#reads.add(timeoutMs);
  }

  waitApplied(index: number, timeoutMs: number): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    return this.#waiters.wait(index, timeoutMs);
  }

  async transferLeadership(to: NodeId, timeoutMs: number): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped;
    const { role, leader } = this.#softState;
    if (role !== 'leader') throw this.#notLeader();
    if (leader === to) return;
    if (!this.#applier.conf.voters.includes(to)) {
      throw new RaftError('timeout', `Member ${to} can never lead: it is not a voter`);
    }
    this.#guard(() => this.#node.transferLeader(to));
    await this.#transfers.wait(to, timeoutMs);
  }

  get disk(): DiskState {
    return this.#disk.disk;
  }

  status(): RaftStatus {
    return {
      ...coreStatus(this.#node.status(), this.#contacts),
      applied: this.#applier.applied,
      lastIndex: this.#options.store.lastIndex(),
      snapshotIndex: this.#taker.snapshotIndex,
      disk: this.#disk.disk,
      memory: memoryUse(this.#options.store, this.#proposals, this.#reads),
    };
  }

  onMessages(messages: readonly Message[]): void {
    this.#guard(() => {
      this.#contacts.heardBy(messages);
      for (const message of messages) {
        // A snapshot comes with its data, by `onSnapshot`.
        if (message.to === this.#options.id && message.type !== 'snapshot') this.#step(message);
      }
    });
  }

  async onSnapshot(message: Message, data: SnapshotData): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped;
    await this.#receiver.receive(message, data);
  }

  onUnreachable(peer: NodeId): void {
    this.#guard(() => this.#node.reportUnreachable(peer));
  }

  async stop(): Promise<void> {
    this.#halt(new RaftError('stopped', 'This member is stopping'));
    this.#disk.stop();
    await this.#writer.stop();
    await this.#taker.stop();
  }

  #tick(): void {
    this.#guard(() => {
      this.#node.tick();
      this.#contacts.tick();
      this.#transfers.tick();
      this.#deadlines.tick();
      this.#reads.tick();
      this.#disk.tick();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  /** What came in is proposed and asked for together; then all that is due is done. */
  #turn(): void {
    if (this.#stopped !== undefined) return;
    try {
      this.#proposals.flush((data) => this.#append(() => this.#node.propose(data)));
      this.#reads.flush();
      for (let count = 0; this.#node.hasReady(); count += 1) {
        if (count === READYS_PER_TURN_MAX) {
          this.#schedule();
          return;
        }
        this.#process(this.#node.ready());
      }
      this.#taker.takeIfDue();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #process(ready: Ready): void {
    // The same leader in another term is news too.
    const termChanged = ready.hardState !== undefined && ready.hardState.term !== this.#term;
    if (ready.softState !== undefined || termChanged) this.#softStateChanged(ready.softState ?? this.#softState);
    const outgoing: Message[] = [];
    let toApply: Message | undefined;
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_THREAD) {
        const { entries, hardState, snapshot, mustSync } = ready;
        const sync = mustSync || snapshot !== undefined;
        this.#writer.submit({ entries, hardState, snapshot, sync, responses: message.responses });
      } else if (message.to === LOCAL_APPLY_THREAD) toApply = message;
      else if (message.type === 'snapshot') this.#sender.send(message);
      else outgoing.push(message);
    }
    // The disk works by now; what the followers must store goes out before we turn to the state machine.
    if (outgoing.length > 0) this.#options.transport.send(outgoing);
    if (toApply !== undefined) {
      this.#applier.apply(toApply.entries);
      for (const response of toApply.responses) this.#node.step(response);
    }
    for (const state of ready.readStates) if (this.#reads.answered(state)) this.#schedule();
  }

  /** Something became durable. */
  #deliver(responses: readonly Message[]): void {
    const outgoing: Message[] = [];
    for (const response of responses) {
      if (response.to === this.#options.id) stepOwn(this.#node, response);
      else outgoing.push(response);
    }
    if (outgoing.length > 0) this.#options.transport.send(outgoing);
    this.#schedule();
  }

  async #restore(snapshot: Snapshot): Promise<void> {
    const { store, machine } = this.#options;
    await machine.restore(snapshot.meta, store.readSnapshot(snapshot));
    this.#taker.installed(snapshot.meta);
    this.#applier.restored(snapshot.meta);
  }

  #softStateChanged(state: SoftState): void {
    const before = this.#softState;
    const termBefore = this.#term;
    this.#softState = state;
    this.#term = this.#node.basicStatus().term;
    if (before.role === 'leader' && state.role !== 'leader') {
      this.#deadlines.afterTicks(OUTCOME_ELECTIONS * this.#electionTicks, () => this.#proposals.giveUp(termBefore));
    }
    if (before.leader !== state.leader) {
      this.#transfers.leaderChanged(state.leader);
      if (state.leader !== 0) {
        this.#reads.leaderChanged();
        this.#schedule();
      }
    }
    this.#options.onSoftState?.(state, this.#term);
  }

  /** Puts something into the leader's log, or says why not. */
  #append(propose: () => ProposalPlace | undefined): ProposalPlace {
    return appended(propose, () => this.#node.basicStatus());
  }

  #notLeader(): RaftError {
    return notLeader(this.#options.id, this.#softState.leader);
  }

  #diskFull(): RaftError {
    return diskFull(this.#options.id, this.#softState.leader);
  }

  /** Entries wait for room, or do so no longer: until they are stored, others have them, and they may be applied. */
  #holdingChanged(holding: boolean): void {
    this.#node.applyBeforeStored(holding);
    if (holding) this.#disk.check();
    this.#schedule();
  }

  /** Without room, on the disk or in memory: no leadership, which needs it, and no more entries than can be held. */
  #unwelcome(message: Message): boolean {
    if (message.type === 'timeout-now') return this.#disk.disk === 'full';
    if (message.type !== 'append') return false;
    if (message.entries.length === 0) return this.#writer.snapshotWaits;
    return this.#writer.holdingEnough || this.#taker.overfull;
  }

  #step(message: Message): void {
    if (!this.#unwelcome(message)) stepPeers(this.#node, message);
  }

  #guard(work: () => void): void {
    if (this.#stopped !== undefined) return;
    try {
      work();
      this.#schedule();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#stopped !== undefined) return;
    this.#halt(new RaftError('stopped', `This member stopped after a failure: ${error.message}`));
    this.#options.onFatal(error);
  }

  #halt(reason: RaftError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#stopTicking();
    this.#proposals.rejectAll(reason.message);
    this.#reads.rejectAll(reason);
    this.#waiters.rejectAll(reason);
    this.#transfers.rejectAll(reason);
  }
}
