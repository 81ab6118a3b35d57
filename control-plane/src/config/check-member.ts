/** Rules between the keys of a member's configuration. */
import { type RefuseKey, splitAddress } from '@cell/config';
import type { MemberAddress } from '../ports.ts';
import type { ListenAddresses } from './member-places.ts';

/**
 * Members tell the leader once a second whom they have heard. An agent leaves a member that has had nothing confirmed
 * for half a lease.
 */
const CONFIRMATION_MS = 1500;

/** An election must outlast so many heartbeats, or one that is lost unseats the leader. */
const HEARTBEATS_PER_ELECTION_MIN = 4;

/** Durations in milliseconds. */
export interface CheckedMember {
  readonly id: number;
  readonly members: readonly MemberAddress[];
  readonly listen: ListenAddresses;
  readonly raft: { readonly heartbeat: number; readonly election: number };
  readonly leases: { readonly heartbeat: number; readonly duration: number };
  readonly join_token?: string | undefined;
  readonly join_token_file?: string | undefined;
}

export function checkMember(member: CheckedMember, refuse: RefuseKey): void {
  const { id, members } = member;
  checkDifferent(members, refuse);
  const own = members.findIndex((each) => each.id === id);
  if (own < 0) {
    const ids = members.map((each) => each.id).join(', ');
    refuse(['id'], `has the value "${id}". It must be the id of one of "members", which are ${ids}`);
  } else checkPorts(member, own, refuse);
  if (member.join_token !== undefined && member.join_token_file !== undefined) {
    refuse(['join_token_file'], 'says where the token is, and "join_token" says it too. Leave one of them out');
  }
  checkTimes(member, refuse);
}

function checkDifferent(members: readonly MemberAddress[], refuse: RefuseKey): void {
  const seen = new Map<string, string>();
  for (const [place, member] of members.entries()) {
    for (const key of ['id', 'grpc', 'peers', 'http'] as const) {
      const value = String(member[key]);
      const path = `members[${place}].${key}`;
      const first = seen.get(value);
      if (first === undefined) seen.set(value, path);
      else refuse(['members', place, key], `has the value "${value}". It must differ from ${first}, which has it too`);
    }
  }
}

/** Peers and agents dial what "members" says; so this member must listen there. */
function checkPorts({ members, listen }: CheckedMember, own: number, refuse: RefuseKey): void {
  for (const key of ['grpc', 'peers', 'http'] as const) {
    const told = members[own]![key];
    if (splitAddress(told)?.port === splitAddress(listen[key])?.port) continue;
    refuse(
      ['listen', key],
      `has the value "${listen[key]}". Its port must be that of members[${own}].${key}, "${told}"`,
    );
  }
}

function checkTimes({ raft, leases }: CheckedMember, refuse: RefuseKey): void {
  if (raft.election < raft.heartbeat * HEARTBEATS_PER_ELECTION_MIN) {
    refuse(
      ['raft', 'election'],
      `is ${raft.election} ms. It must be at least ${HEARTBEATS_PER_ELECTION_MIN} times raft.heartbeat (${raft.heartbeat} ms)`,
    );
  }
  const durationMsMin = 2 * (leases.heartbeat + CONFIRMATION_MS);
  if (leases.duration < durationMsMin) {
    refuse(
      ['leases', 'duration'],
      `is ${leases.duration} ms. It must be at least ${durationMsMin} ms: leases.heartbeat (${leases.heartbeat} ms) and ` +
        `what its confirmation takes (${CONFIRMATION_MS} ms), twice`,
    );
  }
}
