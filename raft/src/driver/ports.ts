/**
 * What the driver needs from the world, and what it gives. Each port has an in-memory implementation (for the
 * simulator and for tests) and a suite that every implementation passes.
 */
import type {
  ConfChange,
  ConfState,
  Entry,
  HardState,
  LogReader,
  Message,
  NodeId,
  Snapshot,
  SnapshotMeta,
  SoftState,
  TraceEvent,
} from '../core/types.ts';

export type DiskState = 'ok' | 'full';

/** What a stored snapshot's data is, so that it is known again, and the way to any place in it. */
export interface SnapshotContent {
  readonly sizeBytes: number;
  /** CRC-32 of all data. */
  readonly checksum: number;
  readFrom(byte: number): AsyncIterable<Uint8Array>;
}

/** Data of a snapshot. With its content known, a transfer that breaks off goes on later where it stopped. */
export interface SnapshotData extends AsyncIterable<Uint8Array> {
  readonly content?: SnapshotContent | undefined;
}

/** What was received is not what its sender said that it would be. Nothing of it is kept. */
export class SnapshotMismatch extends Error {
  constructor(what: string) {
    super(`Received snapshot is not what was announced: ${what}`);
    this.name = 'SnapshotMismatch';
  }
}

/** One durable step: everything in it becomes durable together, or the store fails. */
export interface LogBatch {
  /** Contiguous. If the first is at or below the last stored index, the old tail from there on is replaced. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  /** False only if neither entries nor a changed term or vote are in it. */
  readonly sync: boolean;
}

/**
 * The durable log with its mirror in memory (`LogReader`). `append` and `installSnapshot` are called one at a time.
 * A rejection with the code CELL_E_DISK_FULL means that nothing has changed, and that the same may be tried again.
 * After any other the store is unusable and the process must stop: a failed fsync must never be tried again.
 */
export interface LogStore extends LogReader {
  /**
   * 'full' as soon as there is hardly any room: small things (a vote, a term) can be written for a long while yet, and
   * entries as far as what was reserved before reaches.
   */
  readonly disk: DiskState;
  /** Bytes of data of the entries that are in memory: all from `firstIndex` to `lastIndex`. */
  readonly memoryBytes: number;
  /** Looks how much room there is, and reserves some if it can; resolves with `disk` as it is then. */
  checkRoom(): Promise<DiskState>;
  /** Resolves once the batch is as durable as `sync` asks; only then is it visible through `LogReader`. */
  append(batch: LogBatch): Promise<void>;
  /** Stores a snapshot that was made here, at the index that the state machine had. Does not drop log entries. */
  createSnapshot(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<Snapshot>;
  /**
   * Receives a snapshot from a peer into a file of its own; it is not in force before `installSnapshot`. If the data
   * breaks off and has a `content`, what came is kept: the next call with the same goes on from there, also after a
   * restart. Rejects with `SnapshotMismatch` if it is not what it should be.
   */
  receiveSnapshot(meta: SnapshotMeta, data: SnapshotData): Promise<Snapshot>;
  /** Puts a received snapshot in force: it replaces the whole log; hard state and snapshot change together. */
  installSnapshot(snapshot: Snapshot, hardState: HardState | undefined): Promise<void>;
  /** The data of a stored snapshot, its checksum verified while it is read. */
  readSnapshot(snapshot: Snapshot): AsyncIterable<Uint8Array>;
  /**
   * The same data for a peer, with its content. Reading it fails with the code CELL_E_SNAPSHOT_MISSING if newer
   * snapshots have taken its place before that is begun.
   */
  openSnapshot(snapshot: Snapshot): Promise<SnapshotData>;
  /** Forgets entries at or below `index`; never above the newest snapshot's index. */
  compact(index: number): Promise<void>;
  close(): Promise<void>;
}

/** Carries messages between members. It may lose, delay and repeat them; it must not damage them. */
export interface Transport {
  /** Never blocks and never throws: what can't be sent is dropped, and reported by `onUnreachable`. */
  send(messages: readonly Message[]): void;
  /**
   * Sends a snapshot message with its data; resolves when the peer has stored and accepted it, else rejects. It must
   * settle, also if the peer dies or stalls: until then the peer gets nothing else.
   */
  sendSnapshot(message: Message, data: SnapshotData): Promise<void>;
}

/** What a transport calls on the driver. */
export interface TransportEvents {
  onMessages(messages: readonly Message[]): void;
  /** Store what comes in, then step the message. Rejects if the data is damaged or unwanted. */
  onSnapshot(message: Message, data: SnapshotData): Promise<void>;
  onUnreachable(peer: NodeId): void;
}

/** The replicated state machine. All calls are made in log order, never two at once. */
export interface StateMachine {
  /**
   * Applies committed normal entries in one batch and returns one result per entry. Must be deterministic. The empty
   * entries of new leaders are left out.
   */
  apply(entries: readonly Entry[]): readonly unknown[];
  /**
   * The membership in force since the entry at `index`. `context`: as it was given to `changeMembership`; empty when a
   * snapshot brought the membership. A change that can't be made when it is applied leaves `conf` as it was.
   */
  applyMembership?(conf: ConfState, index: number, context: Uint8Array): void;
  /** A view of the state as it is now: taken at once (a shallow copy), read slice by slice while applies go on. */
  capture(): AsyncIterable<Uint8Array>;
  /** Replaces the whole state. Rejects, and changes nothing, if the data can't be read. */
  restore(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Real time comes in here, so that tests can hold it. */
export interface Timers {
  /** Calls `callback` every `periodMs`, without catching up after a stall; returns how to stop. */
  every(periodMs: number, callback: () => void): () => void;
  /** Milliseconds from any beginning, never set back; only for `leaseReads`. */
  monotonicMs?(): number;
}

export type RaftErrorCode =
  /** Certainly not committed, now or later: this member does not lead, or lost its leadership before. */
  | 'not-leader'
  /** Too much is waiting to be committed; try again later. */
  | 'overloaded'
  /** There is no room on this member's disk: certainly not committed; or what was to be read has not got here. */
  | 'disk-full'
  /** Another change of membership is under way; nothing was written. */
  | 'change-pending'
  /** Leadership was lost after the proposal was appended, and it is not known yet whether it is committed. */
  | 'outcome-unknown'
  | 'stopped'
  | 'timeout';

/** The one error class of the driver. `leader` is 0 if nobody is known. */
export class RaftError extends Error {
  readonly code: RaftErrorCode;
  readonly leader: NodeId;
  constructor(code: RaftErrorCode, message: string, leader: NodeId = 0) {
    super(message);
    this.name = 'RaftError';
    this.code = code;
    this.leader = leader;
  }
}

export interface MemberStatus {
  readonly id: NodeId;
  readonly learner: boolean;
  /** Known to be stored there; only the leader knows. */
  readonly match: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly recentlyActive: boolean;
  /** Time since anything was heard of it, to within a heartbeat; undefined for this member, and if nothing ever was. */
  readonly lastContactMs: number | undefined;
  /** Bytes of entries on their way to it. */
  readonly inflightBytes: number;
}

/** What a member keeps in memory; entries and proposals count by the bytes of their data. */
export interface MemoryUse {
  /** From the first entry to the last that is stored. */
  readonly logEntries: number;
  readonly logBytes: number;
  /** Proposals of this member that wait for their result. */
  readonly pendingProposals: number;
  readonly pendingProposalBytes: number;
  /** Callers that wait for a linearizable read. */
  readonly pendingReads: number;
}

export interface RaftStatus extends SoftState, HardState {
  readonly id: NodeId;
  readonly applied: number;
  readonly firstIndex: number;
  /** Of what is stored; more may be on its way to the disk, or wait for room there. */
  readonly lastIndex: number;
  readonly snapshotIndex: number;
  readonly conf: ConfState;
  readonly disk: DiskState;
  readonly memory: MemoryUse;
  /** Filled on the leader only. */
  readonly members: readonly MemberStatus[];
}

export interface DriverOptions {
  readonly id: NodeId;
  readonly store: LogStore;
  readonly transport: Transport;
  readonly machine: StateMachine;
  readonly timers: Timers;
  readonly random: (below: number) => number;
  /** Default 50; one tick is one heartbeat. */
  readonly heartbeatMs: number;
  /** Default 400: elections start after a random time in [t, 2t). */
  readonly electionMs: number;
  /**
   * Whether the leader answers reads without asking the others while a quorum heard it lately. Default false; needs
   * `timers.monotonicMs`. Assumes that no member's clock runs at twice the speed of another's, and that none stands
   * still while real time goes on, as the monotonic clock of a suspended machine does.
   */
  readonly leaseReads?: boolean;
  /** Entries applied between two snapshots. Default 10,000. */
  readonly snapshotEveryEntries: number;
  /** Bytes of log between two snapshots, whichever comes first. Default 64 MiB. */
  readonly snapshotEveryBytes: number;
  /** Entries kept behind a snapshot for followers that lag a little. Default 5,000. */
  readonly keepEntries: number;
  /** Any failure of the store, or a broken invariant: the process must stop. */
  readonly onFatal: (error: Error) => void;
  /** The disk became full, or there is room again. */
  readonly onDisk?: (disk: DiskState) => void;
  readonly onSoftState?: (state: SoftState, term: number) => void;
  /** Bytes of proposals that are not committed yet. Default 64 MiB; above it proposals are `overloaded`. */
  readonly uncommittedSizeMax?: number;
  /** Proposals that wait for their result. Default 65,536; above it they are `overloaded`. */
  readonly pendingProposalsMax?: number;
  /** Bytes of proposals that wait for their result. Default 64 MiB; above it they are `overloaded`. */
  readonly pendingProposalBytesMax?: number;
  /**
   * Bytes of log in memory above which nothing is taken in while a snapshot is under way, which alone makes the log
   * shorter. Default 256 MiB; proposals are `overloaded` then, and what a leader sends waits.
   */
  readonly logBytesMax?: number;
  /** Runs `work` after what is going on in this turn of the event loop. Default `setImmediate`. */
  readonly defer?: (work: () => void) => void;
  /** What goes on inside the core, as data. */
  readonly trace?: (event: TraceEvent) => void;
}

/**
 * A running member: `await startDriver(options)` gives one, its state machine restored from the newest snapshot.
 * Time-outs are counted in ticks of `heartbeatMs`: a stalled process waits longer rather than giving up at once.
 * `propose` resolves with the state machine's result once the entry is committed (durable on a quorum) and applied
 * here; only the leader's `propose` succeeds, others reject with `not-leader`.
 */
export interface Driver extends TransportEvents {
  propose(data: Uint8Array): Promise<{ readonly index: number; readonly result: unknown }>;
  /** A linearizable read: resolves once this member has applied everything that was committed when it was asked. */
  readBarrier(timeoutMs: number): Promise<number>;
  /** Resolves once the state machine here has applied `index`. */
  waitApplied(index: number, timeoutMs: number): Promise<void>;
  /** Rejects with `timeout` once the leader has given it up, which it does after an election timeout. */
  transferLeadership(to: NodeId, timeoutMs: number): Promise<void>;
  /**
   * Changes the membership, one change at a time; resolves with the configuration in force once the change is applied
   * here. Rejects like `propose`, with `change-pending` if another change is under way, and with `CoreError`
   * `conf-change-invalid` if it can't be made.
   */
  changeMembership(change: ConfChange): Promise<{ readonly index: number; readonly conf: ConfState }>;
  readonly disk: DiskState;
  status(): RaftStatus;
  /** Ends its work and rejects what waits. The store stays open: it is its owner's to close, afterwards. */
  stop(): Promise<void>;
}
