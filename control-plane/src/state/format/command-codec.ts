/** Commands as they stand in the log: JSON with the format's version in "v". */
import type {
  AdmitMember,
  AllocationReport,
  ApplyPlan,
  CollectGarbage,
  Command,
  CreateToken,
  DrainNode,
  FoundAuthority,
  Founder,
  FoundMembers,
  InviteMember,
  JoinMember,
  JoinNode,
  LeaderElected,
  NewAuthority,
  NewToken,
  NoteAudit,
  NoteDrainTime,
  NotePromotion,
  Placement,
  RecoverCluster,
  RegisterNode,
  RemoveMember,
  RemoveSecret,
  RenewNode,
  ReportAllocations,
  Reseal,
  RetireAuthority,
  RevokeNode,
  RevokeToken,
  RotateAuthority,
  SetNodeEligibility,
  SetNodeStatus,
  SetSecret,
  StopJob,
  SubmitJob,
  UndrainNode,
  UnknownCommand,
  WriteMark,
} from '../commands.ts';
import { StateError } from '../state-error.ts';
import {
  auditNoteFields,
  auditNoteShape,
  joinedNodeFields,
  newAuthorityFields,
  newTokenFields,
} from './identity-shapes.ts';
import { allocationStateShape, failureShape, inventoryShape, portsShape } from './row-shapes.ts';
import { amount, list, object, oneOf, optional, type Shape, text, truth, whole } from './shape.ts';
import { specShape } from './spec-shape.ts';

const VERSION = 1;

/** What a kind of command says beside what all of them say. */
type Fields<AnyCommand extends Command> = {
  readonly [Key in Exclude<keyof AnyCommand, 'kind' | 'timeMs' | 'audit'>]-?: Shape<AnyCommand[Key]>;
};

const auditShapeOrNone = optional(auditNoteShape);

function command<AnyCommand extends Command>(kind: AnyCommand['kind'], fields: Fields<AnyCommand>): Shape<AnyCommand> {
  const shape = object({ kind: oneOf(kind), timeMs: whole, ...fields });
  return (value, path) => {
    const copy = shape(value, path) as unknown as AnyCommand;
    const audit = auditShapeOrNone((value as AnyCommand).audit, 'audit');
    return audit === undefined ? copy : { ...copy, audit };
  };
}

const shapes: { readonly [Kind in Command['kind']]: Shape<Extract<Command, { kind: Kind }>> } = {
  'register-node': command<RegisterNode>('register-node', {
    id: text,
    name: text,
    inventory: inventoryShape,
    agentVersion: text,
    httpAddress: text,
  }),
  'set-node-status': command<SetNodeStatus>('set-node-status', {
    nodes: list(object<SetNodeStatus['nodes'][number]>({ id: text, status: oneOf('ready', 'lost'), message: text })),
  }),
  'drain-node': command<DrainNode>('drain-node', { id: text, deadlineMs: optional(amount), keepSystemJobs: truth }),
  'undrain-node': command<UndrainNode>('undrain-node', { id: text }),
  'set-node-eligibility': command<SetNodeEligibility>('set-node-eligibility', { id: text, eligible: truth }),
  'note-drain-time': command<NoteDrainTime>('note-drain-time', {
    drains: list(object<NoteDrainTime['drains'][number]>({ id: text, setIndex: amount, remainingMs: amount })),
  }),
  'submit-job': command<SubmitJob>('submit-job', { spec: specShape, expectedIndex: optional(amount) }),
  'stop-job': command<StopJob>('stop-job', { name: text }),
  'apply-plan': command<ApplyPlan>('apply-plan', {
    placements: list(
      object<Placement>({
        id: text,
        job: text,
        jobVersion: amount,
        instance: amount,
        nodeId: text,
        ports: portsShape,
        cpuMillis: amount,
        memoryMib: amount,
        placementReason: text,
      }),
    ),
    stops: list(object<ApplyPlan['stops'][number]>({ id: text, reason: text })),
    unplaced: list(object<ApplyPlan['unplaced'][number]>({ job: text, failure: optional(failureShape) })),
  }),
  'report-allocations': command<ReportAllocations>('report-allocations', {
    reports: list(
      object<AllocationReport>({
        id: text,
        nodeId: text,
        state: allocationStateShape,
        restarts: amount,
        exitCode: optional(whole),
        message: text,
      }),
    ),
  }),
  'collect-garbage': command<CollectGarbage>('collect-garbage', {}),
  'leader-elected': command<LeaderElected>('leader-elected', { member: amount }),
  'write-mark': command<WriteMark>('write-mark', { drillId: text, sequence: amount, padding: optional(text) }),
  'found-members': command<FoundMembers>('found-members', {
    members: list(object<Founder>({ id: amount, grpc: text, peers: text, http: text, incarnation: text })),
  }),
  'invite-member': command<InviteMember>('invite-member', { id: amount, grpc: text, peers: text, http: text }),
  'admit-member': command<AdmitMember>('admit-member', { id: amount, incarnation: text }),
  'note-promotion': command<NotePromotion>('note-promotion', { id: amount }),
  'remove-member': command<RemoveMember>('remove-member', { id: amount }),
  'recover-cluster': command<RecoverCluster>('recover-cluster', {
    survivor: amount,
    clusterId: text,
    formerClusterId: text,
  }),
  'found-authority': command<FoundAuthority>('found-authority', {
    authority: object<NewAuthority>(newAuthorityFields),
    tokens: list(object<NewToken>(newTokenFields)),
  }),
  'rotate-authority': command<RotateAuthority>('rotate-authority', {
    after: text,
    authority: object<NewAuthority>(newAuthorityFields),
  }),
  'retire-authority': command<RetireAuthority>('retire-authority', { id: text }),
  'create-token': command<CreateToken>('create-token', { token: object<NewToken>(newTokenFields) }),
  'revoke-token': command<RevokeToken>('revoke-token', { id: text }),
  'join-node': command<JoinNode>('join-node', { node: object<JoinNode['node']>(joinedNodeFields) }),
  'join-member': command<JoinMember>('join-member', { tokenId: text, id: amount }),
  'renew-node': command<RenewNode>('renew-node', {
    node: object<RenewNode['node']>({ nodeId: text, keyHash: text, authorityId: text, certificateExpiresAtMs: whole }),
  }),
  'revoke-node': command<RevokeNode>('revoke-node', { id: text }),
  'set-secret': command<SetSecret>('set-secret', {
    secret: object<SetSecret['secret']>({
      namespace: text,
      name: text,
      sealed: text,
      sizeBytes: amount,
      changedBy: text,
    }),
  }),
  'remove-secret': command<RemoveSecret>('remove-secret', { namespace: text, name: text }),
  reseal: command<Reseal>('reseal', {
    secrets: list(
      object<Reseal['secrets'][number]>({ namespace: text, name: text, sealed: text, modifyIndex: amount }),
    ),
    authorities: list(object<Reseal['authorities'][number]>({ id: text, sealedKey: text, modifyIndex: amount })),
  }),
  'note-audit': command<NoteAudit>('note-audit', {
    notes: list(object<NoteAudit['notes'][number]>({ ...auditNoteFields, outcome: text, count: amount })),
  }),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** `stamp`: makes the bytes unlike those of any other command, so that they can be known again; it means nothing else. */
export function encodeCommand(command: Command, stamp?: string): Uint8Array {
  return encoder.encode(JSON.stringify({ v: VERSION, stamp, ...command }));
}

/** Throws as `decodeCommand` would throw for what `encodeCommand` makes of it. */
export function checkCommand(command: Command): void {
  read(shapes[command.kind], command);
}

/**
 * Unknown kinds and versions are survivable, and so are unknown fields. Anything else that is not as `encodeCommand`
 * writes it throws `StateError` CELL_E_COMMAND_MALFORMED: before it is proposed that is the caller's mistake, and in
 * the log it is damage that the log's checksums did not find.
 */
export function decodeCommand(bytes: Uint8Array): Command | UnknownCommand {
  const parsed = parse(bytes);
  const { v: version, kind } = parsed;
  if (typeof kind !== 'string' || !Number.isSafeInteger(version)) throw malformed('it has no kind or no version');
  if (version !== VERSION || !Object.hasOwn(shapes, kind)) return { kind: 'unknown', timeMs: 0, name: kind };
  return read(shapes[kind as Command['kind']], parsed);
}

function read(shape: Shape<Command>, value: unknown): Command {
  try {
    return shape(value, '');
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw malformed('it is no JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null) throw malformed('it is no JSON object');
  return parsed as Record<string, unknown>;
}

function malformed(why: string, cause?: unknown): StateError {
  return new StateError('CELL_E_COMMAND_MALFORMED', `A command can't be read: ${why}`, { cause });
}
