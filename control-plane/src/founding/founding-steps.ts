/**
 * How members that are empty become one cluster, and how one enters a cluster that is there: the decisions, without
 * clock, disk and network. docs/decisions/0007-membership.md tells why they are so.
 *
 * Invariants: a member that has a cluster never changes it here; only the founding member with the lowest id chooses an
 * id, and only when all others have just said that they are empty and name the same founders; nobody takes a place
 * that another data folder had before.
 */
import { CellError } from '../cell-error.ts';
import type { KnownMember } from '../consensus/peers/member-directory.ts';
import { dataLostError, removedError } from '../consensus/peers/peer-identity.ts';
import type { MemberAddress } from '../ports.ts';
import type { MemberIdentity } from './member-identity.ts';

/** What a member says of itself. */
export interface Introduction {
  readonly memberId: number;
  readonly incarnation: string;
  readonly cluster: string;
  /** "id=host:port", by id. */
  readonly founders: readonly string[];
}

/** What it is told. */
export interface IntroductionAnswer {
  /** Raft id of the member that answers: not the one that was meant if an address or an id is wrong. */
  readonly memberId: number;
  /** Empty while there is no cluster. */
  readonly clusterId: string;
  readonly incarnation: string;
  readonly cluster: string;
  readonly founders: readonly string[];
  readonly admitted: boolean;
  /** Why not, for people. */
  readonly refusal: string;
  /** The members, if it is admitted. */
  readonly members: readonly KnownMember[];
}

/** What came of asking one member. */
export type Asked =
  | { readonly id: number; readonly answer: IntroductionAnswer }
  | { readonly id: number; readonly error: Error };

export type FoundingStep =
  /** Choose an id, and store it with these founders before telling anybody. */
  | { readonly kind: 'found'; readonly members: readonly KnownMember[] }
  | { readonly kind: 'join'; readonly clusterId: string; readonly members: readonly KnownMember[] }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'end'; readonly error: CellError };

/** Founders as they are compared. */
export function foundersText(members: readonly Pick<MemberAddress, 'id' | 'peers'>[]): string[] {
  const ordered = [...members].sort((left, right) => left.id - right.id);
  return ordered.map(({ id, peers }) => `${id}=${peers}`);
}

/** What a member that is in no cluster does next, given what all other configured members answered. */
export function nextStep(
  own: MemberIdentity,
  configured: readonly MemberAddress[],
  asked: readonly Asked[],
): FoundingStep {
  const ended = asked.find((one) => 'error' in one && isFinal(one.error));
  if (ended !== undefined && 'error' in ended) return { kind: 'end', error: ended.error as CellError };
  const answers = asked.flatMap((one) => ('answer' in one ? [one] : []));
  const admitted = answers.find(({ answer }) => answer.clusterId !== '' && answer.admitted);
  if (admitted !== undefined) return { kind: 'join', ...pick(admitted.answer) };
  const founded = answers.find(({ answer }) => answer.clusterId !== '');
  if (founded !== undefined) return { kind: 'wait', reason: founded.answer.refusal || 'Waiting to be let in' };
  return foundingStep(own, configured, asked, answers);
}

function foundingStep(
  own: MemberIdentity,
  configured: readonly MemberAddress[],
  asked: readonly Asked[],
  answers: readonly { readonly id: number; readonly answer: IntroductionAnswer }[],
): FoundingStep {
  const founders = foundersText(configured);
  const other = answers.find(
    ({ answer }) => answer.cluster !== own.cluster || !sameFounders(answer.founders, founders),
  );
  if (other !== undefined) return { kind: 'wait', reason: differenceText(own, founders, other.id, other.answer) };
  const stranger = answers.find(({ id, answer }) => answer.memberId !== id);
  if (stranger !== undefined) return { kind: 'wait', reason: strangerText(configured, stranger.id, stranger.answer) };
  const missing = configured.map(({ id }) => id).filter((id) => id !== own.memberId && !answered(answers, id));
  if (missing.length > 0) return { kind: 'wait', reason: missingText(configured, missing, asked) };
  const first = Math.min(...configured.map(({ id }) => id));
  if (own.memberId !== first) return { kind: 'wait', reason: `Waiting for member ${first} to found the cluster` };
  const incarnations = new Map(answers.map(({ id, answer }) => [id, answer.incarnation]));
  const members = configured.map(({ id, grpc, peers, http }) => {
    return { id, grpc, peers, http, incarnation: incarnations.get(id) ?? own.incarnation };
  });
  return { kind: 'found', members: members.sort((left, right) => left.id - right.id) };
}

/** A person has to do something first, and asking again would not help. */
function isFinal(error: Error): boolean {
  return error instanceof CellError && (error.code === 'CELL_E_DATA_LOST' || error.code === 'CELL_E_REMOVED');
}

function pick({ clusterId, members }: IntroductionAnswer) {
  return { clusterId, members };
}

function answered(answers: readonly { readonly id: number }[], id: number): boolean {
  return answers.some((one) => one.id === id);
}

/** Codes of what tells more than that somebody does not answer: it does not pass by waiting. */
const TELLING: ReadonlySet<string> = new Set([
  'CELL_E_FOREIGN_CLUSTER',
  'CELL_E_CLOCK_SKEW',
  'CELL_E_UNTRUSTED',
  'CELL_E_WRONG_PEER',
  'CELL_E_CERTIFICATE_EXPIRED',
  'CELL_E_CERTIFICATE_REFUSED',
]);

function missingText(
  configured: readonly MemberAddress[],
  missing: readonly number[],
  asked: readonly Asked[],
): string {
  const members = missing.length === 1 ? `member ${missing[0]}` : `members ${missing.join(', ')}`;
  const refused = asked.find((one) => 'error' in one && 'code' in one.error && TELLING.has(String(one.error.code)));
  // A newcomer waits like this too, for ever if it has a wrong address.
  const addresses = configured.filter(({ id }) => missing.includes(id)).map(({ peers }) => peers);
  const why =
    refused !== undefined && 'error' in refused ? refused.error.message : `no answer at ${addresses.join(', ')}`;
  return `Waiting for ${members} to found the cluster: ${why}`;
}

function differenceText(
  own: MemberIdentity,
  founders: readonly string[],
  id: number,
  answer: IntroductionAnswer,
): string {
  if (answer.cluster !== own.cluster) {
    return (
      `Waiting, since member ${id} is configured for cluster "${answer.cluster}", this one for "${own.cluster}". ` +
      'Compare "cluster" and "members" in the configurations of both'
    );
  }
  return (
    `Waiting, since member ${id} has "members" ${answer.founders.join(' ')} in its configuration, this one has ` +
    `${founders.join(' ')}. They must be the same to found a cluster`
  );
}

/** It would be founded with the data folder of another one, and could never come. */
function strangerText(configured: readonly MemberAddress[], id: number, answer: IntroductionAnswer): string {
  const { peers = '' } = configured.find((member) => member.id === id) ?? {};
  return (
    `Waiting, since "members" has member ${id} at ${peers}, and who answers there is configured as member ` +
    `${answer.memberId}. Compare "id" and "members" in the configurations of both`
  );
}

function sameFounders(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, place) => text === right[place]);
}

/** What the members' table, or the identity before there is one, says of a member. */
export interface MemberRecord {
  readonly incarnation: string;
  readonly status: 'invited' | 'member' | 'removed';
}

/** What is to be done for a caller. */
export type Reception =
  /** There is no cluster here. */
  | { readonly kind: 'empty' }
  /** It is a founder that has not heard of it: tell it with `Found`. */
  | { readonly kind: 'tell' }
  /** It may come; its incarnation must be written first, unless it is. */
  | { readonly kind: 'admit'; readonly known: boolean }
  | { readonly kind: 'refuse'; readonly reason: string };

/** How a member receives another one. Throws what the other one has to end with. */
export function receive(own: MemberIdentity, record: MemberRecord | undefined, caller: Introduction): Reception {
  if (own.clusterId === '') return { kind: 'empty' };
  if (caller.cluster !== own.cluster) throw foreignName(own, caller);
  const { memberId, incarnation } = caller;
  if (record === undefined || incarnation === '') return { kind: 'refuse', reason: uninvited(own, memberId) };
  if (record.status === 'removed') throw removedError(memberId, 'it was removed from the control plane');
  if (record.incarnation !== '' && record.incarnation !== incarnation) throw dataLostError(memberId);
  const isFounder = own.origin === 'founded' && own.members.some((one) => sameFolder(one, memberId, incarnation));
  if (isFounder) return { kind: 'tell' };
  return { kind: 'admit', known: record.incarnation === incarnation };
}

function sameFolder(member: KnownMember, id: number, incarnation: string): boolean {
  return member.id === id && member.incarnation === incarnation;
}

function foreignName(own: MemberIdentity, { memberId, cluster }: Introduction): CellError {
  return new CellError(
    'CELL_E_FOREIGN_CLUSTER',
    `Member "${memberId}" is configured for cluster "${cluster}", member "${own.memberId}" is of cluster ` +
      `"${own.cluster}". Compare "cluster" and "members" in the configurations of both`,
  );
}

function uninvited(own: MemberIdentity, memberId: number): string {
  return (
    `Waiting to be added to cluster "${own.cluster}" (id "${own.clusterId}"), which member ${memberId} does not belong ` +
    `to; say "cellctl control-plane add ${memberId}" with its addresses`
  );
}

/** What a member is told of its new cluster. */
export interface Founding {
  readonly clusterId: string;
  readonly cluster: string;
  readonly members: readonly KnownMember[];
}

/**
 * The identity of a member that is told of its new cluster; the same one if it knows. Throws if the member is in another
 * cluster, was meant with other data, or names other founders.
 */
export function takeFounding(
  own: MemberIdentity,
  configured: readonly MemberAddress[],
  founding: Founding,
): MemberIdentity {
  const { clusterId, cluster, members } = founding;
  if (cluster !== own.cluster || (own.clusterId !== '' && own.clusterId !== clusterId)) {
    const message = `Member "${own.memberId}" is of cluster "${own.cluster}" (id "${own.clusterId}") and stays there`;
    throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
  }
  if (own.clusterId === clusterId) return own;
  if (!members.some((one) => sameFolder(one, own.memberId, own.incarnation))) throw dataLostError(own.memberId);
  if (clusterId === '' || !sameFounders(foundersText(members), foundersText(configured))) {
    const message = `Member "${own.memberId}" has other founding members in its configuration than cluster "${clusterId}"`;
    throw new CellError('CELL_E_CONFLICT', message);
  }
  return { ...own, clusterId, origin: 'founded', members };
}

/** The identity of a member that was let into a cluster. */
export function takeAdmission(
  own: MemberIdentity,
  { clusterId, members }: Pick<Founding, 'clusterId' | 'members'>,
): MemberIdentity {
  if (own.clusterId !== '') return own;
  return { ...own, clusterId, origin: 'admitted', members };
}
