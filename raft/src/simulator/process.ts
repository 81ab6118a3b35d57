import type { ConfState, Entry, LogReader, Message, Ready, Snapshot } from '../core/index.ts';
import { CoreError, decodeConfChange, defaultConfig, LogError, type MemoryLog, RawNode } from '../core/index.ts';
import { AsynchronousStorage } from './asynchronous-storage.ts';
import type { MemberView } from './checks/check.ts';
import { termAt } from './checks/check.ts';
import { ViolationError } from './checks/violation-error.ts';
import { copyLog } from './disk.ts';
import { ListMachine } from './list-machine.ts';
import type { CrashPoint, ProcessParts, ProcessStorage, StoredProcess } from './process-storage.ts';
import { SynchronousStorage } from './synchronous-storage.ts';

/** More Readys than this in one turn: the core never comes to rest. */
const READYS_PER_TURN_MAX = 1_000;

/** One run of a member, from its start to its crash: the core, the state machine, and what drives them. */
export class Process implements StoredProcess {
  readonly parts: ProcessParts;
  readonly node: RawNode;
  readonly machine: ListMachine;
  /** The log as the core has shown it, stored or not. */
  readonly log: MemoryLog;
  alive = true;
  conf: ConfState;
  crashPoint: CrashPoint | undefined;
  view: MemberView;
  readonly #storage: ProcessStorage;
  #commitChecked: number;
  #turnDue = false;
  #membershipIndex: number;
  #snapshotDemanded = false;
  /** The latest snapshot that came from the leader: applying that was ordered before it is done with. */
  #restoredIndex = 0;

  constructor(parts: ProcessParts) {
    this.parts = parts;
    const { disk, scenario, id } = parts;
    const { meta, data } = disk.log.snapshot();
    this.machine = new ListMachine(meta.index, data);
    this.conf = meta.conf;
    this.#membershipIndex = meta.index;
    this.log = copyLog(disk.log);
    const asynchronous = scenario.storage.mode === 'asynchronous';
    this.#storage = asynchronous ? new AsynchronousStorage(this) : new SynchronousStorage(this);
    this.node = new RawNode({
      ...defaultConfig,
      ...scenario.core,
      id,
      log: this.#reader(),
      applied: meta.index,
      random: (below) => parts.random.below(below),
      asyncStorageWrites: asynchronous,
      trace: undefined,
    });
    this.view = this.#look();
    this.#commitChecked = meta.index;
  }

  begin(): void {
    this.parts.checks.restored(this.view, this.machine.applied, this.machine.values);
    this.input(() => {});
  }

  get leading(): boolean {
    return this.view.role === 'leader';
  }

  /** Something comes in from outside: a tick, a request, a report. */
  input(action: (node: RawNode) => void): void {
    if (!this.alive) return;
    // What a follower commits is checked when its Ready shows its log; it must not stand for election before.
    if (this.#turnDue && this.view.commit > this.#commitChecked) this.turn();
    if (!this.alive) return;
    this.observed(() => action(this.node));
    this.#turnSoon();
  }

  receive(message: Message): boolean {
    if (!this.alive || (message.type === 'snapshot' && this.#storage.installing)) return false;
    if (this.parts.disk.full && this.#isUnwelcome(message)) return false;
    if (message.type === 'append' || message.type === 'heartbeat') {
      this.observed(() => this.node.step(message));
      this.#turnSoon();
    } else this.input((node) => node.step(message));
    return true;
  }

  /** What a full disk has no room for. Where storage is asynchronous, entries may wait in memory. */
  #isUnwelcome({ type, entries }: Message): boolean {
    if (type === 'snapshot' || type === 'timeout-now') return true;
    const holds = this.parts.scenario.storage.mode === 'asynchronous';
    return !holds && (type === 'propose' || (type === 'append' && entries.length > 0));
  }

  /** It would find its membership on its disk after a crash, and that it is committed. */
  get knowsMembershipForGood(): boolean {
    return this.parts.disk.durable.initialState().hardState.commit >= this.#membershipIndex;
  }

  /** Doesn't take commands now. */
  get refusing(): boolean {
    return this.#storage.holding || (this.parts.disk.full && this.parts.scenario.storage.mode === 'synchronous');
  }

  crash(): void {
    this.alive = false;
    this.#storage.crash();
  }

  send(message: Message): void {
    this.parts.checks.sent(message, this.parts.disk.durable);
    this.parts.send(message);
  }

  /** Brings entries to the state machine, but those that a snapshot brought already. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.#restoredIndex) continue;
      this.parts.checks.applied(this.view, entry);
      this.machine.apply(entry);
      if (entry.type === 'conf-change') this.#applyConfChange(entry);
      this.parts.applied(entry);
    }
  }

  #applyConfChange(entry: Entry): void {
    let conf = this.conf;
    this.observed(() => {
      try {
        conf = this.node.applyConfChange(decodeConfChange(entry.data), entry.index);
      } catch (error) {
        // It is committed: nobody is left to take a refusal, and it would be refused again at every start.
        throw new Error(`Can't apply the change of membership at ${entry.index}`, { cause: error });
      }
    });
    // The core may have a later membership already, of a snapshot that the state machine is about to be set to, and
    // that no Ready has shown yet: its log begins behind that.
    if (entry.index < this.node.basicStatus().firstIndex) return;
    this.parts.checks.reconfigured(this.view, this.conf, conf);
    this.conf = conf;
    this.#membershipIndex = entry.index;
    this.parts.trace?.(`${this.parts.id} is in ${confText(conf)} as of ${entry.index}`);
  }

  /** Sets the state machine to a snapshot from the leader. */
  restore({ meta, data }: Snapshot): void {
    this.machine.restore(meta.index, data);
    this.#restoredIndex = meta.index;
    this.conf = meta.conf;
    this.#membershipIndex = meta.index;
    this.parts.trace?.(`${this.parts.id} takes the snapshot at ${meta.index}`);
    this.parts.checks.installed(this.view, meta.conf);
    this.parts.checks.restored(this.view, meta.index, this.machine.values);
  }

  /** Does something to the core, and checks what it made of it. */
  observed(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof ViolationError) throw error;
      if (!(error instanceof CoreError) || error.code === 'log-lost') {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ViolationError('no failure', `Member ${this.parts.id} failed: ${reason}`, { cause: error });
      }
      this.parts.trace?.(`${this.parts.id} refuses: ${error.message}`);
    }
    const before = this.view;
    const after = this.#look();
    this.view = after;
    if (before.role !== after.role || before.term !== after.term) {
      this.parts.trace?.(`${after.id} is ${after.role} in term ${after.term}, log to ${after.lastIndex}`);
    }
    this.parts.checks.stepped(before, after);
    // A follower's log may have been replaced by what it just heard, which its Ready will show.
    if (after.role !== 'follower') this.#checkCommit();
  }

  /** Handles all that is due. */
  turn(): void {
    this.#turnDue = false;
    for (let count = 0; this.alive && this.node.hasReady(); count++) {
      if (count === READYS_PER_TURN_MAX) {
        throw new ViolationError('no failure', `Member ${this.parts.id} has no end of Readys`);
      }
      const ready = this.node.ready();
      this.#show(ready);
      this.#storage.handle(ready);
    }
    if (this.alive) this.#takeSnapshotIfDue();
  }

  #turnSoon(): void {
    if (this.#turnDue || !this.alive) return;
    const { turnMsMax } = this.parts.scenario;
    if (turnMsMax === 0) {
      this.turn();
      return;
    }
    this.#turnDue = true;
    this.parts.timeline.after(this.parts.random.between(0, turnMsMax), () => {
      if (this.#turnDue && this.alive) this.turn();
    });
  }

  #look(): MemberView {
    const { role, term, commit, applied, lastIndex, conf } = this.node.basicStatus();
    return { id: this.parts.id, start: this.parts.start, role, term, commit, applied, lastIndex, conf };
  }

  #show({ snapshot, entries }: Ready): void {
    if (snapshot !== undefined) this.log.applySnapshot(snapshot);
    const first = entries[0];
    if (first !== undefined) {
      const previousTerm = termAt(this.log, first.index - 1);
      this.log.append(entries);
      this.parts.checks.logged(this.view, entries, previousTerm);
    }
    this.#checkCommit();
  }

  #checkCommit(): void {
    const { commit } = this.view;
    if (commit <= this.#commitChecked) return;
    this.parts.checks.committed(this.view, this.#commitChecked, this.log);
    this.#commitChecked = commit;
  }

  #takeSnapshotIfDue(): void {
    const { disk, scenario } = this.parts;
    const { applied } = this.machine;
    const newest = disk.log.snapshot().meta.index;
    if (applied <= newest || this.#storage.installing || this.#storage.holding) return;
    // What was applied while the disk was full may still be on its way there.
    if (applied > disk.log.lastIndex()) return;
    if (!this.#snapshotDemanded && applied - newest < scenario.storage.snapshotEveryEntries) return;
    this.#snapshotDemanded = false;
    this.parts.trace?.(`${this.parts.id} makes a snapshot at ${applied}`);
    disk.compact(applied, this.conf, this.machine.capture(), scenario.storage.keepEntries);
  }

  /** The disk's log; but a snapshot from before the latest change of membership is of no use to a new member. */
  #reader(): LogReader {
    const { log } = this.parts.disk;
    return {
      initialState: () => log.initialState(),
      entries: (low, high, sizeMax) => log.entries(low, high, sizeMax),
      term: (index) => log.term(index),
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      snapshot: () => {
        const newest = log.snapshot();
        if (newest.meta.index > 0 && newest.meta.index >= this.#membershipIndex) return newest;
        this.#snapshotDemanded = true;
        throw new LogError('snapshot-temporarily-unavailable', 'Snapshot is being made');
      },
    };
  }
}

function confText({ voters, votersOutgoing, learners }: ConfState): string {
  const joint = votersOutgoing.length > 0 ? `+[${votersOutgoing.join(' ')}]` : '';
  return `[${voters.join(' ')}]${joint}${learners.length > 0 ? ` learners [${learners.join(' ')}]` : ''}`;
}
