/** Commands as they stand in the log: JSON with the format's version in "v". */
import type {
  AdmitMember,
  AllocationReport,
  ApplyPlan,
  CollectGarbage,
  Command,
  DrainNode,
  Founder,
  FoundMembers,
  InviteMember,
  LeaderElected,
  NoteDrainTime,
  NotePromotion,
  Placement,
  RecoverCluster,
  RegisterNode,
  RemoveMember,
  ReportAllocations,
  SetNodeEligibility,
  SetNodeStatus,
  StopJob,
  SubmitJob,
  UndrainNode,
  UnknownCommand,
  WriteMark,
} from '../commands.ts';
import { StateError } from '../state-error.ts';
import { allocationStateShape, failureShape, inventoryShape, portsShape } from './row-shapes.ts';
import { amount, list, object, oneOf, optional, type Shape, text, truth, whole } from './shape.ts';
import { specShape } from './spec-shape.ts';

const VERSION = 1;

const timeMs = whole;
const shapes: { readonly [Kind in Command['kind']]: Shape<Extract<Command, { kind: Kind }>> } = {
  'register-node': object<RegisterNode>({
    kind: oneOf('register-node'),
    timeMs,
    id: text,
    name: text,
    inventory: inventoryShape,
    agentVersion: text,
    httpAddress: text,
  }),
  'set-node-status': object<SetNodeStatus>({
    kind: oneOf('set-node-status'),
    timeMs,
    nodes: list(object<SetNodeStatus['nodes'][number]>({ id: text, status: oneOf('ready', 'lost'), message: text })),
  }),
  'drain-node': object<DrainNode>({
    kind: oneOf('drain-node'),
    timeMs,
    id: text,
    deadlineMs: optional(amount),
    keepSystemJobs: truth,
  }),
  'undrain-node': object<UndrainNode>({ kind: oneOf('undrain-node'), timeMs, id: text }),
  'set-node-eligibility': object<SetNodeEligibility>({
    kind: oneOf('set-node-eligibility'),
    timeMs,
    id: text,
    eligible: truth,
  }),
  'note-drain-time': object<NoteDrainTime>({
    kind: oneOf('note-drain-time'),
    timeMs,
    drains: list(object<NoteDrainTime['drains'][number]>({ id: text, setIndex: amount, remainingMs: amount })),
  }),
  'submit-job': object<SubmitJob>({
    kind: oneOf('submit-job'),
    timeMs,
    spec: specShape,
    expectedIndex: optional(amount),
  }),
  'stop-job': object<StopJob>({ kind: oneOf('stop-job'), timeMs, name: text }),
  'apply-plan': object<ApplyPlan>({
    kind: oneOf('apply-plan'),
    timeMs,
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
  'report-allocations': object<ReportAllocations>({
    kind: oneOf('report-allocations'),
    timeMs,
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
  'collect-garbage': object<CollectGarbage>({ kind: oneOf('collect-garbage'), timeMs }),
  'leader-elected': object<LeaderElected>({ kind: oneOf('leader-elected'), timeMs, member: amount }),
  'write-mark': object<WriteMark>({
    kind: oneOf('write-mark'),
    timeMs,
    drillId: text,
    sequence: amount,
    padding: optional(text),
  }),
  'found-members': object<FoundMembers>({
    kind: oneOf('found-members'),
    timeMs,
    members: list(object<Founder>({ id: amount, grpc: text, peers: text, http: text, incarnation: text })),
  }),
  'invite-member': object<InviteMember>({
    kind: oneOf('invite-member'),
    timeMs,
    id: amount,
    grpc: text,
    peers: text,
    http: text,
  }),
  'admit-member': object<AdmitMember>({ kind: oneOf('admit-member'), timeMs, id: amount, incarnation: text }),
  'note-promotion': object<NotePromotion>({ kind: oneOf('note-promotion'), timeMs, id: amount }),
  'remove-member': object<RemoveMember>({ kind: oneOf('remove-member'), timeMs, id: amount }),
  'recover-cluster': object<RecoverCluster>({
    kind: oneOf('recover-cluster'),
    timeMs,
    survivor: amount,
    clusterId: text,
    formerClusterId: text,
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
