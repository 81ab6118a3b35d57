import type { GetMemberResponse } from '@cell/proto';
import type { MemberAddress, MemberStatus } from '../../ports.ts';

/** A member's own status as it crosses the wire. */
export function memberStatusToProto(status: MemberStatus, address: MemberAddress) {
  return {
    leaderId: BigInt(status.leaderId),
    lastIndex: BigInt(status.lastIndex ?? 0),
    lastTerm: BigInt(status.lastTerm ?? 0),
    member: {
      id: BigInt(status.id),
      role: status.role,
      grpcAddress: address.grpc,
      peerAddress: address.peers,
      httpAddress: address.http,
      reachable: true,
      term: BigInt(status.term),
      appliedIndex: BigInt(status.appliedIndex),
      commitIndex: BigInt(status.commitIndex),
      snapshotIndex: BigInt(status.snapshotIndex),
      agentSessions: status.agentSessions,
      version: status.version,
      dataBytes: BigInt(status.dataBytes),
      ...(status.diskFreeBytes === undefined ? {} : { diskFreeBytes: BigInt(status.diskFreeBytes) }),
      diskFull: status.diskFull,
    },
  };
}

export function memberStatusFromProto({ member, leaderId, lastIndex, lastTerm }: GetMemberResponse): MemberStatus {
  return {
    id: Number(member?.id ?? 0),
    role: member?.role === 'leader' || member?.role === 'candidate' ? member.role : 'follower',
    term: Number(member?.term ?? 0),
    appliedIndex: Number(member?.appliedIndex ?? 0),
    commitIndex: Number(member?.commitIndex ?? 0),
    snapshotIndex: Number(member?.snapshotIndex ?? 0),
    agentSessions: member?.agentSessions ?? 0,
    version: member?.version ?? '',
    dataBytes: Number(member?.dataBytes ?? 0),
    diskFreeBytes: member?.diskFreeBytes === undefined ? undefined : Number(member.diskFreeBytes),
    diskFull: member?.diskFull ?? false,
    leaderId: Number(leaderId),
    lastIndex: Number(lastIndex),
    lastTerm: Number(lastTerm),
  };
}
