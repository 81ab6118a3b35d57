/** Who was not let in lately, by why: from the audit log, which every member has. */
import type { AuditRow } from '../model/identity.ts';
import { refusalCauseOf } from '../model/refusal-cause.ts';
import { agentRefusals, memberRefusals, personRefusals, type RefusalText, type ShownCause } from './refusal-texts.ts';

/** Who they say they are, by what they called. */
export type RefusedKind = 'agent' | 'member' | 'person';

export interface RefusedCallers {
  readonly kind: RefusedKind;
  readonly cause: ShownCause;
  /** Of calls. */
  readonly count: number;
  /** Milliseconds since 1970, by the clock of the member that was called. */
  readonly lastMs: number;
  /** The address of the last one; empty if it is not known. */
  readonly from: string;
  /** How many addresses there were. */
  readonly addresses: number;
  /**
   * A machine that tries again and again is kept out now, as opposed to having been. A member that was removed ends by
   * itself once it is told so.
   */
  readonly goesOn: boolean;
  readonly message: string;
  readonly advice: string;
}

/** What is longer ago is not told. */
export const TOLD_MS_MAX = 60 * 60_000;
/** Daemons try again more often than that: whoever was refused last before then has come in, or has given up. */
export const GOES_ON_MS_MAX = 10 * 60_000;
/** By which clocks of members may differ: entries are about in order. */
const CLOCKS_DIFFER_MS_MAX = 5 * 60_000;

const OTHER_CAUSES: Readonly<Record<string, ShownCause>> = {
  CELL_E_UNAUTHENTICATED: 'no-identity',
  CELL_E_RATE_LIMITED: 'too-often',
  CELL_E_LIMIT: 'full',
  CELL_E_FORBIDDEN: 'other',
  CELL_E_REMOVED: 'member-removed',
  CELL_E_FOREIGN_CLUSTER: 'other-cluster',
  CELL_E_INVALID: 'other',
};
/** Of people, refusals of what they may not do, or said wrongly, are no trouble with who they are. */
const PERSON_CODES: ReadonlySet<string> = new Set([
  'CELL_E_UNAUTHENTICATED',
  'CELL_E_RATE_LIMITED',
  'CELL_E_CLOCK_SKEW',
]);
/** What stands for calls of more kinds than the audit log tells apart. */
const OF_MANY_KINDS = 'others';
const JOINS: ReadonlySet<string> = new Set(['AgentService/Join', 'PeerService/JoinMember']);

/** The last ones first. `nowMs`: wall clock. */
export function refusedCallers(audit: readonly AuditRow[], nowMs: number): RefusedCallers[] {
  const groups = new Map<string, Group>();
  for (let place = audit.length - 1; place >= 0; place -= 1) {
    const row = audit[place]!;
    if (row.timeMs < nowMs - TOLD_MS_MAX - CLOCKS_DIFFER_MS_MAX) break;
    if (row.timeMs >= nowMs - TOLD_MS_MAX) count(groups, row);
  }
  return [...groups.values()].map((group) => told(group, nowMs)).sort((one, other) => other.lastMs - one.lastMs);
}

interface Group {
  readonly kind: RefusedKind;
  readonly cause: ShownCause;
  count: number;
  lastMs: number;
  from: string;
  readonly addresses: Set<string>;
}

function count(groups: Map<string, Group>, row: AuditRow): void {
  const kind = kindOf(row.method);
  const cause = causeOf(row, kind);
  if (cause === undefined) return;
  const key = `${kind} ${cause}`;
  const group = groups.get(key) ?? { kind, cause, count: 0, lastMs: 0, from: '', addresses: new Set<string>() };
  groups.set(key, group);
  group.count += row.count;
  if (row.from !== '') group.addresses.add(row.from);
  if (row.timeMs <= group.lastMs) return;
  group.lastMs = row.timeMs;
  group.from = row.from;
}

/** Undefined: that is no trouble with who somebody is. */
function causeOf({ method, outcome, subject }: AuditRow, kind: RefusedKind): ShownCause | undefined {
  if (kind === 'person' && !PERSON_CODES.has(outcome)) return undefined;
  if (method === OF_MANY_KINDS) return 'other';
  const said = refusalCauseOf(subject);
  if (said !== undefined && outcome.startsWith('CELL_E_')) return said;
  if (outcome === 'CELL_E_CLOCK_SKEW') return 'clock-skew';
  // Only of those that join is it their identity that there is a conflict about, or that is not found.
  if (JOINS.has(method) && outcome === 'CELL_E_CONFLICT') return 'identity-taken';
  if (JOINS.has(method) && outcome === 'CELL_E_NOT_FOUND') return 'not-invited';
  if (method === 'PeerService/JoinMember' && outcome === 'CELL_E_UNAUTHENTICATED') return 'token-unknown';
  return Object.hasOwn(OTHER_CAUSES, outcome) ? OTHER_CAUSES[outcome] : undefined;
}

function kindOf(method: string): RefusedKind {
  if (method.startsWith('AgentService/')) return 'agent';
  return method.startsWith('PeerService/') ? 'member' : 'person';
}

function told({ addresses, ...group }: Group, nowMs: number): RefusedCallers {
  const goesOn = group.kind !== 'person' && group.cause !== 'member-removed' && group.lastMs > nowMs - GOES_ON_MS_MAX;
  return { ...group, addresses: addresses.size, goesOn, ...textOf(group.kind, group.cause) };
}

function textOf(kind: RefusedKind, cause: ShownCause): RefusalText {
  const texts = { agent: agentRefusals, member: memberRefusals, person: personRefusals }[kind];
  return texts[cause] ?? texts.other;
}
