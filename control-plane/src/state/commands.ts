/**
 * Everything that can be written in the log. A command carries all that applying it needs, also the time: `apply`
 * reads no clock and no random source. In the log a command is JSON (docs/decisions tells why); unknown kinds and
 * fields must be survivable, since members of two versions run side by side during an upgrade.
 */
import type { JobSpec } from '@cell/job';
import type { AllocationRow, AllocationState, Inventory, PlacementFailure } from '../model/entities.ts';
import type { AuditNote, AuthorityRow, NodeIdentityRow, SecretRow, TokenRow } from '../model/identity.ts';
import type { MemberRow } from '../model/members.ts';

interface Timed {
  /** Wall clock of the member that made the command, in milliseconds since 1970. */
  readonly timeMs: number;
  /** Who asked for it: it is written in the audit log with what came of it. Undefined for the fleet's own work. */
  readonly audit?: AuditNote | undefined;
}

/** A node came for the first time, came back, or changed. Makes it ready. */
export interface RegisterNode extends Timed {
  readonly kind: 'register-node';
  readonly id: string;
  readonly name: string;
  readonly inventory: Inventory;
  readonly agentVersion: string;
  readonly httpAddress: string;
}

/** The leader's verdicts on nodes: lost, or ready again. A lost node's allocations become lost with it. */
export interface SetNodeStatus extends Timed {
  readonly kind: 'set-node-status';
  readonly nodes: readonly { readonly id: string; readonly status: 'ready' | 'lost'; readonly message: string }[];
}

/** A node shall be emptied, or the drain that it is in be changed. */
export interface DrainNode extends Timed {
  readonly kind: 'drain-node';
  readonly id: string;
  /** Milliseconds from now on until what is left is stopped; undefined: it waits for as long as it takes. */
  readonly deadlineMs: number | undefined;
  readonly keepSystemJobs: boolean;
}

/** A node is given back: it takes allocations again, and what is still there stays. */
export interface UndrainNode extends Timed {
  readonly kind: 'undrain-node';
  readonly id: string;
}

/** Refused for a node that is drained. */
export interface SetNodeEligibility extends Timed {
  readonly kind: 'set-node-eligibility';
  readonly id: string;
  readonly eligible: boolean;
}

/** How much time the leader has counted down; 0 ends the wait. What is not less than before is left out. */
export interface NoteDrainTime extends Timed {
  readonly kind: 'note-drain-time';
  /** `setIndex`: of the drain that it was counted for; left out if the drain was changed meanwhile. */
  readonly drains: readonly { readonly id: string; readonly setIndex: number; readonly remainingMs: number }[];
}

export interface SubmitJob extends Timed {
  readonly kind: 'submit-job';
  readonly spec: JobSpec;
  /** Refuse unless the job's modifyIndex is this; 0: no such job; undefined: whatever it is. */
  readonly expectedIndex: number | undefined;
}

export interface StopJob extends Timed {
  readonly kind: 'stop-job';
  readonly name: string;
}

/** What the planner decided. Each part is checked again when it is applied; what no longer holds is left out. */
export interface ApplyPlan extends Timed {
  readonly kind: 'apply-plan';
  readonly placements: readonly Placement[];
  readonly stops: readonly { readonly id: string; readonly reason: string }[];
  /** What could not be placed, per job; undefined clears it. Only for jobs where it changed. */
  readonly unplaced: readonly { readonly job: string; readonly failure: PlacementFailure | undefined }[];
}

/** A new allocation, before it has a history. */
export type Placement = Pick<
  AllocationRow,
  'id' | 'job' | 'jobVersion' | 'instance' | 'nodeId' | 'ports' | 'cpuMillis' | 'memoryMib' | 'placementReason'
>;

/** What agents said. A report on a final allocation changes nothing. */
export interface ReportAllocations extends Timed {
  readonly kind: 'report-allocations';
  readonly reports: readonly AllocationReport[];
}

export interface AllocationReport {
  readonly id: string;
  /** Must be the allocation's node, or the report is left out. */
  readonly nodeId: string;
  readonly state: AllocationState;
  readonly restarts: number;
  readonly exitCode: number | undefined;
  readonly message: string;
}

/** Forget ended allocations, old job versions and drills beyond the limits, expired tokens and identities; proposed by the leader now and then. */
export interface CollectGarbage extends Timed {
  readonly kind: 'collect-garbage';
}

/** A new leader has begun its work. */
export interface LeaderElected extends Timed {
  readonly kind: 'leader-elected';
  readonly member: number;
}

export interface WriteMark extends Timed {
  readonly kind: 'write-mark';
  readonly drillId: string;
  readonly sequence: number;
  /** Means nothing: makes the command as long as others are. */
  readonly padding?: string | undefined;
}

/** The first leader writes down who founded the cluster. Refused if anybody was written down before. */
export interface FoundMembers extends Timed {
  readonly kind: 'found-members';
  readonly members: readonly Founder[];
}

export type Founder = Pick<MemberRow, 'id' | 'grpc' | 'peers' | 'http' | 'incarnation'>;

/** A new member may come. Asked again with the same addresses it changes nothing. */
export interface InviteMember extends Timed {
  readonly kind: 'invite-member';
  readonly id: number;
  readonly grpc: string;
  readonly peers: string;
  readonly http: string;
}

/** An invited member has come, by this name; no other one may come in its place. */
export interface AdmitMember extends Timed {
  readonly kind: 'admit-member';
  readonly id: number;
  readonly incarnation: string;
}

/** A member has got its vote: only for people to see, since Raft's configuration says who votes. */
export interface NotePromotion extends Timed {
  readonly kind: 'note-promotion';
  readonly id: number;
}

/** Out for ever. */
export interface RemoveMember extends Timed {
  readonly kind: 'remove-member';
  readonly id: number;
}

/** The cluster goes on with one survivor, as another cluster; all other members are out. Never proposed by a leader. */
export interface RecoverCluster extends Timed {
  readonly kind: 'recover-cluster';
  readonly survivor: number;
  readonly clusterId: string;
  readonly formerClusterId: string;
}

/** The first leader writes down what "init" made. Refused if there is an authority. */
export interface FoundAuthority extends Timed {
  readonly kind: 'found-authority';
  readonly authority: NewAuthority;
  readonly tokens: readonly NewToken[];
}

export type NewAuthority = Pick<AuthorityRow, 'id' | 'certificate' | 'crossCertificate' | 'sealedKey'>;
export type NewToken = Omit<TokenRow, 'createdAtMs' | 'modifyIndex'>;

/**
 * Another authority issues from now on. Refused unless the one that issued is still the one it was made after, and its
 * key is sealed with the key in force.
 */
export interface RotateAuthority extends Timed {
  readonly kind: 'rotate-authority';
  readonly after: string;
  readonly authority: NewAuthority;
}

/** An authority is trusted no more. Refused for the one that issues. */
export interface RetireAuthority extends Timed {
  readonly kind: 'retire-authority';
  readonly id: string;
}

export interface CreateToken extends Timed {
  readonly kind: 'create-token';
  readonly token: NewToken;
}

export interface RevokeToken extends Timed {
  readonly kind: 'revoke-token';
  readonly id: string;
}

/**
 * A machine becomes a node by a token, which is used once by it. The same node with the same token and key again changes
 * nothing. Refused: `CELL_E_FORBIDDEN` (unknown, used up, expired by `timeMs`, of another role, a revoked node),
 * `CELL_E_CONFLICT` (another one has joined with the id).
 */
export interface JoinNode extends Timed {
  readonly kind: 'join-node';
  readonly node: Omit<NodeIdentityRow, 'joinedAtMs' | 'revokedAtMs' | 'modifyIndex'>;
}

/** A machine becomes able to be a member by a token, which is used once. Refused as `JoinNode` is, or if not invited. */
export interface JoinMember extends Timed {
  readonly kind: 'join-member';
  readonly tokenId: string;
  readonly id: number;
}

/** A node got another certificate. Refused for one that is revoked or unknown. */
export interface RenewNode extends Timed {
  readonly kind: 'renew-node';
  readonly node: Pick<NodeIdentityRow, 'nodeId' | 'keyHash' | 'authorityId' | 'certificateExpiresAtMs'>;
}

/** A node's identity ends for good. Again it changes nothing. */
export interface RevokeNode extends Timed {
  readonly kind: 'revoke-node';
  readonly id: string;
}

/** Refused unless it is sealed with the key in force: see `sealingKeyInForce`. */
export interface SetSecret extends Timed {
  readonly kind: 'set-secret';
  readonly secret: Pick<SecretRow, 'namespace' | 'name' | 'sealed' | 'sizeBytes' | 'changedBy'>;
}

export interface RemoveSecret extends Timed {
  readonly kind: 'remove-secret';
  readonly namespace: string;
  readonly name: string;
}

/**
 * The same values, sealed with another key. What has changed since `modifyIndex` is left out, and what is not sealed with
 * the key that is in force once the issuing authority is, which may be among them.
 */
export interface Reseal extends Timed {
  readonly kind: 'reseal';
  readonly secrets: readonly Pick<SecretRow, 'namespace' | 'name' | 'sealed' | 'modifyIndex'>[];
  readonly authorities: readonly Pick<AuthorityRow, 'id' | 'sealedKey' | 'modifyIndex'>[];
}

/** Calls that changed nothing in the state, such as refused ones. Those of the same kind are one note. */
export interface NoteAudit extends Timed {
  readonly kind: 'note-audit';
  readonly notes: readonly (AuditNote & { readonly outcome: string; readonly count: number })[];
}

export type Command =
  | RegisterNode
  | SetNodeStatus
  | DrainNode
  | UndrainNode
  | SetNodeEligibility
  | NoteDrainTime
  | SubmitJob
  | StopJob
  | ApplyPlan
  | ReportAllocations
  | CollectGarbage
  | LeaderElected
  | WriteMark
  | FoundMembers
  | InviteMember
  | AdmitMember
  | NotePromotion
  | RemoveMember
  | RecoverCluster
  | FoundAuthority
  | RotateAuthority
  | RetireAuthority
  | CreateToken
  | RevokeToken
  | JoinNode
  | JoinMember
  | RenewNode
  | RevokeNode
  | SetSecret
  | RemoveSecret
  | Reseal
  | NoteAudit;

/** Written by a member that knows more kinds of commands than this one; applying it refuses it. */
export interface UnknownCommand extends Timed {
  readonly kind: 'unknown';
  /** Its kind as it stands in the log. */
  readonly name: string;
}

/** What applying a command gives to its proposer: plain JSON. A refusal changes nothing. */
export type CommandResult =
  | { readonly ok: true; readonly index: number; readonly [detail: string]: unknown }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export type RefusalCode =
  | 'CELL_E_CONFLICT'
  | 'CELL_E_NOT_FOUND'
  | 'CELL_E_LIMIT'
  | 'CELL_E_UNKNOWN_COMMAND'
  | 'CELL_E_REMOVED'
  | 'CELL_E_FORBIDDEN'
  | 'CELL_E_INVALID';
