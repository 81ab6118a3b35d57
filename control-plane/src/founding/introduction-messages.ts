/** Introductions as they cross the wire. */
import type {
  FoundingMemberSchema,
  FoundRequest,
  FoundRequestSchema,
  IntroduceRequest,
  IntroduceRequestSchema,
  IntroduceResponse,
  IntroduceResponseSchema,
  Outgoing,
} from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { KnownMember } from '../consensus/peers/member-directory.ts';
import type { Founding, Introduction, IntroductionAnswer } from './founding-steps.ts';

/** As in the configuration. */
const MEMBERS_MAX = 9;
const TEXT_MAX = 300;

type Said = FoundRequest['founders'][number];

export function introductionToProto({ memberId, ...rest }: Introduction): Outgoing<typeof IntroduceRequestSchema> {
  return { ...rest, memberId: BigInt(memberId), founders: [...rest.founders] };
}

/** Throws `CELL_E_INVALID`. */
export function introductionFromProto(said: IntroduceRequest): Introduction {
  const { incarnation, cluster, founders } = said;
  for (const text of [incarnation, cluster, ...founders]) checkText(text);
  if (founders.length > MEMBERS_MAX) throw invalid(`names ${founders.length} founders of at most ${MEMBERS_MAX}`);
  return { memberId: Number(said.memberId), incarnation, cluster, founders };
}

export function answerToProto(answer: IntroductionAnswer): Outgoing<typeof IntroduceResponseSchema> {
  const { memberId, founders, members } = answer;
  return { ...answer, memberId: BigInt(memberId), founders: [...founders], members: members.map(memberToProto) };
}

export function answerFromProto(said: IntroduceResponse): IntroductionAnswer {
  const { clusterId, incarnation, cluster, founders, admitted, refusal } = said;
  const members = said.members.map(memberFromProto);
  return { memberId: Number(said.memberId), clusterId, incarnation, cluster, founders, admitted, refusal, members };
}

export function foundingToProto({ clusterId, cluster, members }: Founding): Outgoing<typeof FoundRequestSchema> {
  return { clusterId, cluster, founders: members.map(memberToProto) };
}

/** Throws `CELL_E_INVALID`. */
export function foundingFromProto({ clusterId, cluster, founders }: FoundRequest): Founding {
  for (const text of [clusterId, cluster]) checkText(text);
  if (founders.length > MEMBERS_MAX) throw invalid(`names ${founders.length} founders of at most ${MEMBERS_MAX}`);
  return { clusterId, cluster, members: founders.map(memberFromProto) };
}

function memberToProto(member: KnownMember): Outgoing<typeof FoundingMemberSchema> {
  const { id, incarnation, grpc, peers, http } = member;
  return { id: BigInt(id), incarnation, grpcAddress: grpc, peerAddress: peers, httpAddress: http };
}

function memberFromProto({ id, incarnation, grpcAddress, peerAddress, httpAddress }: Said): KnownMember {
  for (const text of [incarnation, grpcAddress, peerAddress, httpAddress]) checkText(text);
  return { id: Number(id), incarnation, grpc: grpcAddress, peers: peerAddress, http: httpAddress };
}

function checkText(text: string): void {
  if (text.length > TEXT_MAX) throw invalid(`has a text of ${text.length} characters, of at most ${TEXT_MAX}`);
}

function invalid(what: string): CellError {
  return new CellError('CELL_E_INVALID', `An introduction ${what}`);
}
