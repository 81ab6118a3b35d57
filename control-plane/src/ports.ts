/**
 * What the parts of a control-plane member ask of each other and of the world. `main.ts` is the only place where the
 * real clock, disk and network are made; tests give their own.
 */

import type { DescMethod } from '@bufbuild/protobuf';
import type { Subject } from '@cell/identity';
import type { ExecInput, ExecOutput, ExecRequest, ExecStart, Usage } from '@cell/proto';
import type { DiskState, RaftStatus } from '@cell/raft';
import type { ChannelCredentials, Metadata, Server } from '@grpc/grpc-js';
import type { AuditNote, PersonRole } from './model/identity.ts';
import type { RefusalCause } from './model/refusal-cause.ts';
import type { Command, CommandResult, NewAuthority } from './state/commands.ts';
import type { FleetState, StateChange } from './state/fleet-state.ts';

export interface Clock {
  /** Wall clock, milliseconds since 1970: for people and for timestamps in commands. */
  wallMs(): number;
  /** Never goes back, never jumps: for leases and timeouts. */
  monotonicMs(): number;
  /** Calls back every `periodMs`, never catching up; returns how to stop. */
  every(periodMs: number, callback: () => void): () => void;
  /** Calls back once after `delayMs`; returns how to stop. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Leadership {
  /** Raft id of the leader; 0 if none is known. */
  readonly leaderId: number;
  /** Whether it is this member. */
  readonly leading: boolean;
  readonly term: number;
}

/** The replicated state as the rest of a member sees it. Implemented in `consensus/`. */
export interface Consensus {
  readonly memberId: number;
  readonly clusterId: string;
  /** What this member has applied; may lag behind the leader. The same object for ever; its content moves on. */
  readonly state: FleetState;
  readonly leadership: Leadership;
  /** 'full': this member should take no changes of people. */
  readonly disk: DiskState;
  /**
   * Has a command committed, wherever the leader is; resolves once it is applied here as well, so that a read that
   * follows sees it. Rejects with `CellError`: `CELL_E_NO_LEADER` (nobody to ask for 3 s, or for `timeoutMs`: not written),
   * `CELL_E_OUTCOME_UNKNOWN` (may or may not have been written), `CELL_E_OVERLOADED`, `CELL_E_TIMEOUT`.
   */
  submit(command: Command, timeoutMs: number): Promise<CommandResult>;
  /** As `submit`, but only if this member is the leader: for the leader's own work. */
  propose(command: Command): Promise<CommandResult>;
  /** Resolves once `state` holds all that was committed when this was called. Rejects as `submit` does. */
  readBarrier(timeoutMs: number): Promise<void>;
  /** Calls after each batch of applied commands, and once with 'replaced' when a snapshot replaced the state. */
  onChange(listener: (change: StateChange | 'replaced') => void): () => void;
  onLeadership(listener: (leadership: Leadership) => void): () => void;
  transferLeadership(to: number, timeoutMs: number): Promise<void>;
  /**
   * Has the membership changed, wherever the leader is, one change at a time; resolves with the change's Raft index.
   * The same change again is no error. Rejects with `CELL_E_CONFLICT`, `CELL_E_NOT_FOUND`, `CELL_E_NOT_CAUGHT_UP`,
   * `CELL_E_LIMIT` (nothing was written), or as `submit` does.
   */
  changeMembership(change: MembershipChange, timeoutMs: number): Promise<number>;
  /** How far the members are, by the leader; rejects if there is none, or it does not answer. */
  replication(timeoutMs: number): Promise<Replication>;
  status(): RaftStatus;
}

/** What one member can ask of another. Implemented in `consensus/` over gRPC. */
export interface Peers {
  /** As the replicated table has them, this member included, ordered by id. A new list at each change. */
  readonly members: readonly MemberAddress[];
  /** Unary calls; reject with `CellError` `CELL_E_PEER_UNREACHABLE` or the peer's own coded error. */
  reportLiveness(to: number, seen: readonly SeenNode[], timeoutMs: number): Promise<UnconfirmedNodes>;
  member(to: number, timeoutMs: number): Promise<MemberStatus>;
  crash(to: number, drillId: string, timeoutMs: number): Promise<void>;
  transfer(toLeader: number, target: number, timeoutMs: number): Promise<number>;
  recover(survivor: number, order: RecoveryOrder, timeoutMs: number): Promise<RecoveryOutcome>;
  relayLogs(to: number, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** See `PeerRequests.openExec`. Nothing is read from the input before the agent has taken the command on. */
  relayExec(
    to: number,
    start: ExecStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput | undefined>;
  /** Undefined if the peer does not know it: its agent is connected elsewhere. */
  relayUsage(to: number, allocationId: string, timeoutMs: number): Promise<Usage | undefined>;
  /** Has a member keep a key; resolves once it is on its disk. */
  sendKey(to: number, key: SealingKey, timeoutMs: number): Promise<void>;
}

export interface MemberAddress {
  readonly id: number;
  readonly grpc: string;
  readonly peers: string;
  readonly http: string;
}

export type MembershipChange =
  | ({ readonly kind: 'add' } & MemberAddress)
  | { readonly kind: 'promote'; readonly id: number }
  | { readonly kind: 'remove'; readonly id: number; readonly force: boolean };

/** How far the members are, as the leader knows it. */
export interface Replication {
  /** Index of the leader's last entry. */
  readonly lastIndex: number;
  /** All in Raft's configuration, the leader included. */
  readonly members: readonly MemberReplication[];
}

export interface MemberReplication {
  readonly id: number;
  /** Highest index that it is known to have stored. */
  readonly matchIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Time since the leader heard of it; undefined for the leader itself, and if it never did. */
  readonly lastContactMs: number | undefined;
  readonly learner: boolean;
}

export interface SeenNode {
  readonly nodeId: string;
  /** Time since its newest heartbeat came in. */
  readonly ageMs: number;
}

/** Ids of nodes whose heartbeats the leader has not confirmed, since they are lost or about to be. */
export type UnconfirmedNodes = readonly string[];

export interface MemberStatus {
  readonly id: number;
  readonly role: 'leader' | 'follower' | 'candidate';
  readonly term: number;
  readonly appliedIndex: number;
  readonly commitIndex: number;
  readonly snapshotIndex: number;
  readonly agentSessions: number;
  readonly version: string;
  readonly dataBytes: number;
  /** Bytes that are free on the disk with its data; undefined if that is unknown. */
  readonly diskFreeBytes: number | undefined;
  readonly diskFull: boolean;
  readonly leaderId: number;
  /** Raft index and term of the last entry of its log; undefined if they are not known. */
  readonly lastIndex?: number;
  readonly lastTerm?: number;
}

/** Recovery from a lost quorum, with this member as the only survivor. Implemented in `recovery/`. */
export interface Recovery {
  /**
   * What recovering would do; changes nothing. Rejects with `CELL_E_CONFLICT`, which says why, while it must not be: a
   * leader is known, a majority of the voters can be reached, or, unless `force`, a member that can be reached has more
   * of the log.
   */
  plan(force: boolean): Promise<RecoveryPlan>;
  /** Has it begun, after the same checks: soon after it resolves this member stops, and starts again as the only one. */
  run(force: boolean): Promise<RecoveryPlan>;
}

export interface RecoveryPlan {
  /** Raft index of the last entry of this member's log, all of which counts as committed. */
  readonly lastIndex: number;
  /** Raft ids of the members that are dropped, ordered. */
  readonly dropped: readonly number[];
  /** Id of the cluster after it; the same each time while this process lives. */
  readonly clusterId: string;
}

export interface RecoveryOrder {
  /** Raft id of the member to go on with. */
  readonly survivor: number;
  /** The cluster's name; if it is empty, nothing is done, and the answer only tells what would be. */
  readonly confirmCluster: string;
  /** Also if another member that can be reached has more of the log. */
  readonly force: boolean;
}

export interface RecoveryOutcome extends RecoveryPlan {
  /** Whether it is being done. */
  readonly started: boolean;
}

export interface LogRequest {
  readonly allocationId: string;
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  readonly stream: 'both' | 'stdout' | 'stderr';
  /** Only what was written since then, milliseconds since 1970; undefined: all that is kept. */
  readonly sinceMs?: number;
  /** Go on after what came with this; then neither `tailLines` nor `sinceMs` counts. */
  readonly cursor?: string;
}

export interface LogChunk {
  /** Empty if only the place is told. */
  readonly data: Uint8Array;
  readonly stream: 'stdout' | 'stderr';
  /** Where to go on after this; undefined: the node can't do that. */
  readonly cursor?: string;
}

/** One word to a command in an allocation: first what to run, then what it reads. */
export type ExecMessage = Pick<ExecRequest, 'message'>;

/** What a member answers when its peers ask; implemented by `execute/` and `api/`, called by `consensus/`. */
export interface PeerRequests {
  /**
   * On the leader: takes note, so that the leases of these nodes run on, but for those that it gives back. Throws
   * `CELL_E_NOT_LEADER` elsewhere.
   */
  livenessReported(from: number, seen: readonly SeenNode[]): UnconfirmedNodes;
  ownStatus(): MemberStatus;
  /** Logs of an allocation whose agent is connected here; throws `CELL_E_NO_SESSION` if it is not. */
  openLogs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk>;
  /**
   * Runs a command in an allocation whose agent is connected here; throws `CELL_E_NO_SESSION` if it is not. Gives
   * undefined once the agent has taken it on, then what it writes, and last how it ended.
   */
  openExec(messages: AsyncIterator<ExecMessage>, signal: AbortSignal): AsyncIterable<ExecOutput | undefined>;
  /** Of an allocation whose agent is connected here. */
  usage(allocationId: string): Usage | undefined;
  /** SIGKILL to this process, if it is the leader. */
  crash(drillId: string): void;
  transferLeadership(target: number): Promise<number>;
  /** On the survivor; throws `CELL_E_INVALID` elsewhere. */
  recover(order: RecoveryOrder): Promise<RecoveryOutcome>;
  /** Keeps a key that stored secrets are going to be sealed with. */
  keySent(key: SealingKey): Promise<void>;
}

/** Who calls, as far as it is proven. */
export type Caller =
  | { readonly kind: 'member'; readonly id: number }
  /** `expired`: its certificate has ended, not too long ago; it may do nothing but renew it. */
  | { readonly kind: 'node'; readonly id: string; readonly expired: boolean }
  | {
      readonly kind: 'person';
      readonly tokenId: string;
      readonly name: string;
      readonly role: PersonRole;
      /** Undefined: all of them. */
      readonly namespace: string | undefined;
      /** When the certificate that it came with ends; undefined if it came with its token. */
      readonly certificateExpiresAtMs: number | undefined;
    }
  | { readonly kind: 'nobody' };

/** What is known of a connection before anything was said on it. */
export interface ConnectionFacts {
  /** Without its port; IPv4 addresses as such, also if they came in over IPv6. */
  readonly address: string;
  /** Whom its certificate names, if that is from an authority that is trusted; undefined without one. */
  readonly subject: Subject | undefined;
  /** The authority that signed it: `AuthorityRow.id`. Empty without one, and for one that another one vouches for. */
  readonly authorityId: string;
  /** When the certificate ends, milliseconds since 1970; 0 without one. */
  readonly expiresAtMs: number;
}

/** How a member proves itself and listens. Implemented in `listen/` with `authority/`; in tests also by plain text. */
export interface Transport {
  /** Has a server take connections at "host:port"; `setting` is the key that says where. Rejects with a coded error. */
  listen(server: Server, address: string, setting: string): Promise<Listener>;
  /** To call a peer with; another one after `onRenewal` was called. */
  peerCredentials(memberId: number): ChannelCredentials;
  /** Calls when channels that are kept should be made anew: own certificate or trust changed. */
  onRenewal(listener: () => void): () => void;
  /** Of the connection that a call came over, by `call.getPeer()`; undefined if it has gone. */
  connection(peer: string): ConnectionFacts | undefined;
}

export interface Listener {
  readonly port: number;
  /** Ends connections whose facts it chooses, at once. */
  cut(chosen: (facts: ConnectionFacts) => boolean): void;
  close(): void;
}

/** Seals values, and opens what was sealed. Implemented in `authority/`. */
export interface Vault {
  /**
   * Of the key that values are sealed with: the one that the issuing authority of the state is sealed with. So all
   * members change over to another key with one command (`Reseal`), once all have it.
   */
  readonly keyId: string;
  /**
   * `purpose`: what it is for, `authorityPurpose` or `secretPurpose`; only with the same one it can be opened. `keyId`: another
   * key that was added, to change over to it; throws `CELL_E_SEALED` if it is not here.
   */
  seal(value: Uint8Array, purpose: string, keyId?: string): string;
  /** Throws `CELL_E_SEALED`. */
  open(sealed: string, purpose: string): Uint8Array;
  /** A new key, which is not kept yet. */
  makeKey(): SealingKey;
  /** Keeps a key, so that what is sealed with it can be opened; resolves once it is on disk. Again it changes nothing. */
  addKey(key: SealingKey): Promise<void>;
}

/** A key that values are sealed with. */
export interface SealingKey {
  /** Tells it from others; not secret. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** Makes certificates in the name of the authority that issues. Implemented in `authority/`. */
export interface Issuer {
  /** `publicKey`: SubjectPublicKeyInfo, DER. `lifetimeMs`: at most; it never outlives the authority. */
  issue(subject: Subject, publicKey: Uint8Array, lifetimeMs: number): Promise<IssuedCertificate>;
  /** A new authority that is signed by the one that issues now. */
  successor(): Promise<{ readonly after: string; readonly authority: NewAuthority }>;
  /** Certificates of all authorities to trust, PEM. */
  readonly trust: readonly string[];
  /** Pin of the one that issues. */
  readonly pin: string;
}

export interface IssuedCertificate {
  /** The certificate and those between it and the authority, PEM. */
  readonly chain: string;
  readonly authorityId: string;
  readonly expiresAtMs: number;
}

/** Lets calls in or not: the one place where rights are looked at. Implemented in `access/`. */
export interface Guard {
  /**
   * At the beginning of every call, of every service. Throws `CELL_E_UNAUTHENTICATED`, `CELL_E_FORBIDDEN` or
   * `CELL_E_RATE_LIMITED`, and notes it.
   */
  enter(method: DescMethod, call: GuardedCall): EnteredCall;
}

/** What grpc-js has of every call. */
export interface GuardedCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** A call that was let in. */
export interface EnteredCall {
  readonly caller: Caller;
  /** The address of the caller, without its port. */
  readonly from: string;
  /**
   * Once all that it asks for is there, which may be long after its headers: throws if who makes it may not any more, and
   * notes that.
   */
  confirm(): void;
  /**
   * For each message of a stream that comes in: calls `pass` when the caller's limits have room for it, at once if they
   * have now. Gives what to call if nobody wants it any more.
   */
  admit(message: unknown, pass: () => void): () => void;
  /** For the command that carries the call out: what comes of it is then written in the audit log with the command. */
  note(subject: string): AuditNote;
  /** For what no command carries: it has begun, on this. Written soon; how it ends is noted too. */
  begun(subject: string): void;
  /** As `begun`, for what may end this member or its quorum: resolves once it is written, or can't be for now. */
  begunNow(subject: string): Promise<void>;
  /** One of several changes in one call, noted by itself; its `ended` is called for it. */
  part(): EnteredCall;
  /**
   * Once it is answered: a call that changes things is noted, if no command did. `outcome`: "ok" or an error's code;
   * `refusal`: why who called was not let in after all.
   */
  ended(outcome: string, refusal?: RefusalCause): void;
}
