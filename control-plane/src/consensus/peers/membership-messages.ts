/** Changes of membership, how far members are, and recovery, as they cross the wire. */
import type {
  ChangeMembershipRequest,
  ChangeMembershipRequestSchema,
  GetReplicationResponse,
  GetReplicationResponseSchema,
  Outgoing,
  RecoverQuorumResponseSchema,
  RecoverResponse,
} from '@cell/proto';
import { CellError } from '../../cell-error.ts';
import type { MemberReplication, MembershipChange, RecoveryOutcome, Replication } from '../../ports.ts';

export function changeToProto(change: MembershipChange): Outgoing<typeof ChangeMembershipRequestSchema> {
  const id = BigInt(change.id);
  switch (change.kind) {
    case 'add': {
      const { grpc: grpcAddress, peers: peerAddress, http: httpAddress } = change;
      return { change: { case: 'add', value: { id, grpcAddress, peerAddress, httpAddress } } };
    }
    case 'promote':
      return { change: { case: 'promote', value: { id } } };
    case 'remove':
      return { change: { case: 'remove', value: { id, force: change.force } } };
  }
}

/** Throws `CELL_E_INVALID` for a change that this version does not know. */
export function changeFromProto({ change }: ChangeMembershipRequest): MembershipChange {
  if (change.case === undefined) {
    throw new CellError('CELL_E_INVALID', 'The change of membership is unknown to this version; upgrade all members');
  }
  const id = Number(change.value.id);
  if (change.case === 'promote') return { kind: 'promote', id };
  if (change.case === 'remove') return { kind: 'remove', id, force: change.value.force };
  const { grpcAddress: grpc, peerAddress: peers, httpAddress: http } = change.value;
  return { kind: 'add', id, grpc, peers, http };
}

export function replicationToProto({ lastIndex, members }: Replication): Outgoing<typeof GetReplicationResponseSchema> {
  return {
    lastIndex: BigInt(lastIndex),
    members: members.map(({ id, matchIndex, state, lastContactMs, learner }) => ({
      id: BigInt(id),
      matchIndex: BigInt(matchIndex),
      state,
      learner,
      ...(lastContactMs === undefined ? {} : { lastContactMs: BigInt(lastContactMs) }),
    })),
  };
}

export function replicationFromProto({ lastIndex, members }: GetReplicationResponse): Replication {
  return {
    lastIndex: Number(lastIndex),
    members: members.map(({ id, matchIndex, state, lastContactMs, learner }) => ({
      id: Number(id),
      matchIndex: Number(matchIndex),
      state: stateFrom(state),
      lastContactMs: lastContactMs === undefined ? undefined : Number(lastContactMs),
      learner,
    })),
  };
}

/** What a later version may say of a member is unknown here: it is then as if nothing were known yet. */
function stateFrom(state: string): MemberReplication['state'] {
  return state === 'replicate' || state === 'snapshot' ? state : 'probe';
}

export function recoveryToProto(outcome: RecoveryOutcome): Outgoing<typeof RecoverQuorumResponseSchema> {
  const { lastIndex, dropped, clusterId, started } = outcome;
  return { lastIndex: BigInt(lastIndex), dropped: dropped.map(BigInt), clusterId, started };
}

export function recoveryFromProto({ response }: RecoverResponse): RecoveryOutcome {
  const { lastIndex = 0n, dropped = [], clusterId = '', started = false } = response ?? {};
  return { lastIndex: Number(lastIndex), dropped: dropped.map(Number), clusterId, started };
}
