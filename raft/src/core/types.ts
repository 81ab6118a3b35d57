/**
 * The vocabulary of the consensus core: what goes in, what comes out, and what must hold between them.
 *
 * Indexes and terms are safe integers (no BigInt); 0 means "none". Node ids are positive safe integers.
 */

/** An id of a Raft member; 0 is "nobody". */
export type NodeId = number;

export type EntryType = 'normal' | 'conf-change';

/** One slot of the replicated log. Entries are immutable once made. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Opaque to the core. Empty for the entry that a new leader appends. */
  readonly data: Uint8Array;
}

/** What a member must remember over a crash. `vote` is 0 if it gave none in `term`. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId;
  /** Known to be committed; it may lag on disk, and never needs a sync of its own. */
  readonly commit: number;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What observers want to know, and nobody has to store. */
export interface SoftState {
  readonly leader: NodeId;
  readonly role: Role;
}

/** The membership in force. Outside joint consensus `votersOutgoing` and `learnersNext` are empty. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  /** Voters of the outgoing set that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  /** Leave the joint configuration by itself as soon as it is committed. */
  readonly autoLeave: boolean;
}

export type ConfChangeType = 'add-voter' | 'add-learner' | 'remove' | 'update';

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly node: NodeId;
}

/** auto: joint only if more than one change; joint-implicit: joint, leaves by itself; joint-explicit: joint until told. */
export type ConfChangeTransition = 'auto' | 'joint-implicit' | 'joint-explicit';

/** A change of membership. No changes and `auto` means: leave the joint configuration. */
export interface ConfChange {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  /** Opaque to the core; for instance the new member's address. */
  readonly context: Uint8Array;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
}

/**
 * A snapshot as the core sees it: the place in the log that it stands for, and a small token by which the
 * storage finds the data. State-machine data itself never passes through the core.
 */
export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

export type MessageType =
  | 'hup'
  | 'beat'
  | 'propose'
  | 'append'
  | 'append-response'
  /** Entries up to `index` have arrived, but are not stored: more may be sent, none of them counts. */
  | 'append-received'
  | 'vote'
  | 'vote-response'
  | 'snapshot'
  | 'heartbeat'
  | 'heartbeat-response'
  | 'unreachable'
  | 'snapshot-status'
  | 'check-quorum'
  | 'transfer-leader'
  | 'timeout-now'
  | 'read-index'
  | 'read-index-response'
  | 'pre-vote'
  | 'pre-vote-response'
  | 'storage-append'
  | 'storage-append-response'
  | 'storage-apply'
  | 'storage-apply-response'
  | 'forget-leader';

/** Local targets of messages when storage is asynchronous (`asyncStorageWrites`). */
export const LOCAL_APPEND_THREAD: NodeId = Number.MAX_SAFE_INTEGER;
export const LOCAL_APPLY_THREAD: NodeId = Number.MAX_SAFE_INTEGER - 1;

/** One shape for every message, as in the reference implementations; unused fields are left at their defaults. */
export interface Message {
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from: NodeId;
  readonly term: number;
  /** Term of the entry at `index`, where the message refers to one. */
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** Only in storage-append: the vote to store. */
  readonly vote: NodeId;
  readonly snapshot: Snapshot | undefined;
  readonly reject: boolean;
  /**
   * In a refused append: the index at which the logs may meet. In vote messages, if `commit` is not 0: the term of
   * the entry at `commit`, by which the receiver proves that it may commit that far too.
   */
  readonly rejectHint: number;
  /** Opaque bytes that come back in the answer: a read's id, or the mark of a campaign by transfer. */
  readonly context: Uint8Array;
  /** Only in storage-append and storage-apply: to deliver (to peers or to ourselves) once the work is durable. */
  readonly responses: readonly Message[];
}

/** The answer to a read index request: the read may be served once `applied >= index`. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/**
 * Everything that became due since the last Ready. The order of work is a contract:
 * 1. store `entries`, `hardState` and `snapshot`, and sync if `mustSync` (always sync a snapshot);
 * 2. send `messages` (a leader's appends may go out while step 1 is under way);
 * 3. apply `snapshot`, then `committedEntries`, in order, every configuration change by `applyConfChange`;
 * 4. call `advance()` — but with `asyncStorageWrites`, steps 1 and 3 are themselves messages, and there is no advance.
 */
export interface Ready {
  readonly softState: SoftState | undefined;
  readonly hardState: HardState | undefined;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | undefined;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly mustSync: boolean;
}

/**
 * The stable log as the core reads it: synchronous, therefore from memory. Implementations keep the tail of the
 * log that was not compacted in memory and mirror every durable write into it.
 *
 * `entries` and `term` throw `LogError` with code `compacted` (at or below the snapshot) or `unavailable` (not
 * there yet); `snapshot` throws it with `snapshot-temporarily-unavailable` while one is being made.
 */
export interface LogReader {
  /** What was stored: the state at start. */
  initialState(): { readonly hardState: HardState; readonly conf: ConfState };
  /** Entries of [low, high), at least one, no more than `sizeMax` bytes in all (the first comes in any case). */
  entries(low: number, high: number, sizeMax: number): readonly Entry[];
  term(index: number): number;
  firstIndex(): number;
  lastIndex(): number;
  snapshot(): Snapshot;
}

export type LogErrorCode = 'compacted' | 'unavailable' | 'snapshot-out-of-date' | 'snapshot-temporarily-unavailable';

export class LogError extends Error {
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, message: string) {
    super(message);
    this.name = 'LogError';
    this.code = code;
  }
}

export type ReadOnlyOption = 'safe' | 'lease-based';

/** Real time for leases. */
export interface LeaseTime {
  /** Milliseconds from any beginning, never set back. */
  readonly monotonicMs: () => number;
  /** A lease ends so long after the heartbeat that it rests on was sent, whatever the ticks say. */
  readonly leaseMs: number;
}

export interface Config {
  readonly id: NodeId;
  /** Ticks without word from a leader until an election; the randomized timeout lies in [t, 2t-1]. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly log: LogReader;
  /**
   * The last index that the state machine already has, so that nothing is applied twice after a restart. The
   * membership in the log's `initialState` must be the one as of this index.
   */
  readonly applied: number;
  /** A whole number in [0, below); the core's only source of chance. */
  readonly random: (below: number) => number;
  readonly asyncStorageWrites: boolean;
  /** Bytes of entries per append message. */
  readonly messageSizeMax: number;
  /** Bytes of committed entries per Ready. */
  readonly committedSizePerReadyMax: number;
  /** Bytes of proposals that are not committed yet; above it proposals are dropped. */
  readonly uncommittedSizeMax: number;
  /** Append messages in flight per follower. */
  readonly inflightMessagesMax: number;
  /** Bytes in flight per follower; 0 means no limit. */
  readonly inflightBytesMax: number;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  /** See `Lease` for what reads by lease assume; they need checkQuorum, on every member alike. */
  readonly readOnlyOption: ReadOnlyOption;
  /**
   * For members who don't read by lease themselves, while another one may: they too leave requests for their vote
   * alone for an election timeout after a start, and don't let late answers free them of what binds them.
   */
  readonly keepPromise: boolean;
  /** Without it leases are counted in ticks alone, and a leader that stands still does not see its own run out. */
  readonly leaseTime: LeaseTime | undefined;
  readonly disableProposalForwarding: boolean;
  readonly disableConfChangeValidation: boolean;
  /** A leader that is removed or made a learner steps down at once. Off, it leads on and drops proposals. */
  readonly stepDownOnRemoval: boolean;
  /**
   * Vote messages carry the commit index, so that a member whose peers don't know of a committed membership change
   * can tell them. Without it all members may be up and none electable (etcd issue 12359).
   */
  readonly commitByVote: boolean;
  /**
   * Vote requests wait, as promises do, until our own term and vote, and the log that they tell of, are stored (the
   * dissertation, 3.8). Off, and with `asyncStorageWrites`, they go out at once, as the reference implementation
   * has it: then a member that crashes before it has stored its term can be elected in that same term again, with
   * another log.
   */
  readonly storeBeforeCampaign: boolean;
  /** Structured events for people and for transcripts; the core makes no text. */
  readonly trace: ((event: TraceEvent) => void) | undefined;
}

/** What happened inside, as data. `kind` is a stable name; the rest are numbers, ids and names to render. */
export interface TraceEvent {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly kind: string;
  readonly [field: string]: unknown;
}
