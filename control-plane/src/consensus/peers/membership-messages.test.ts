import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ChangeMembershipRequestSchema,
  GetReplicationResponseSchema,
  type Outgoing,
  RecoverResponseSchema,
} from '@cell/proto';
import { expect, test } from 'vitest';
import type { MembershipChange, Replication } from '../../ports.ts';
import {
  changeFromProto,
  changeToProto,
  recoveryFromProto,
  recoveryToProto,
  replicationFromProto,
  replicationToProto,
} from './membership-messages.ts';

function sent(change: Outgoing<typeof ChangeMembershipRequestSchema>) {
  const schema = ChangeMembershipRequestSchema;
  return fromBinary(schema, toBinary(schema, create(schema, change)));
}

test.each<MembershipChange>([
  { kind: 'add', id: 4, grpc: 'a:1', peers: 'b:2', http: 'c:3' },
  { kind: 'promote', id: 4 },
  { kind: 'remove', id: 4, force: true },
  { kind: 'remove', id: 4, force: false },
])('a change comes over as it is: $kind', (change) => {
  expect(changeFromProto(sent(changeToProto(change)))).toEqual(change);
});

test('a change that only a later version knows is refused', () => {
  expect(() => changeFromProto(sent({}))).toThrow(expect.objectContaining({ code: 'CELL_E_INVALID' }));
});

test('replication and recoveries come over as they are', () => {
  const replication: Replication = {
    lastIndex: 9,
    members: [
      { id: 1, matchIndex: 9, state: 'replicate', lastContactMs: undefined, learner: false },
      { id: 2, matchIndex: 0, state: 'snapshot', lastContactMs: 0, learner: true },
      { id: 3, matchIndex: 0, state: 'probe', lastContactMs: 12, learner: false },
    ],
  };
  const schema = GetReplicationResponseSchema;
  const bytes = toBinary(schema, create(schema, replicationToProto(replication)));
  expect(replicationFromProto(fromBinary(schema, bytes))).toEqual(replication);
  const outcome = { lastIndex: 1e12, dropped: [2, 3], clusterId: 'next', started: true };
  expect(recoveryFromProto(create(RecoverResponseSchema, { response: recoveryToProto(outcome) }))).toEqual(outcome);
});
