import { expect, test } from 'vitest';
import type { MemberRow } from '../../model/members.ts';
import { type KnownMember, MemberDirectory } from './member-directory.ts';
import { callerOf, identityMetadata, type PeerIdentity } from './peer-identity.ts';

function member(id: number, incarnation = `i${id}`): KnownMember {
  return { id, grpc: `g${id}:1`, peers: `p${id}:1`, http: `h${id}:1`, incarnation };
}

function rows(...given: Partial<MemberRow>[]): Map<number, MemberRow> {
  return new Map(
    given.map((fields) => [
      fields.id!,
      { status: 'member', modifyIndex: 1, changedAtMs: 1, ...member(fields.id!), ...fields },
    ]),
  );
}

function ids(directory: MemberDirectory): number[] {
  return directory.members.map(({ id }) => id);
}

test('who was there at the beginning counts until the table has rows, then the table does', () => {
  const directory = new MemberDirectory([member(2), member(1)]);
  const changes: number[][] = [];
  directory.listen(() => changes.push(ids(directory)));
  expect(ids(directory)).toEqual([1, 2]);
  directory.follow(rows());
  directory.follow(rows({ id: 1 }, { id: 2 }));
  expect(changes).toEqual([]);
  directory.follow(rows({ id: 1 }, { id: 2, status: 'removed' }, { id: 3, status: 'invited', incarnation: '' }));
  expect(changes).toEqual([[1, 3]]);
  expect([directory.removed(2), directory.removed(3), directory.removed(9)]).toEqual([true, false, false]);
});

test('callers that are not known yet are remembered until the table tells of them', () => {
  const directory = new MemberDirectory([member(1)]);
  directory.learn(member(5));
  directory.learn({ ...member(1), peers: 'elsewhere:1' });
  expect(directory.find(5)?.peers).toBe('p5:1');
  expect(directory.find(1)?.peers).toBe('p1:1');
  directory.follow(rows({ id: 1 }, { id: 5, status: 'removed' }));
  directory.learn(member(5));
  expect(ids(directory)).toEqual([1]);
});

function identity(memberId: number, directory: MemberDirectory, clusterId = 'now', incarnation = `i${memberId}`) {
  const own: PeerIdentity = {
    clusterId,
    memberId,
    incarnation,
    peerAddress: `p${memberId}:1`,
    directory,
    formerClusterIds: () => ['before'],
  };
  return own;
}

test('callers are known by cluster, id and the name of their data', () => {
  const directory = new MemberDirectory([member(1)]);
  directory.follow(rows({ id: 1 }, { id: 2 }, { id: 3, status: 'removed' }, { id: 4, incarnation: '' }));
  const own = identity(1, directory);
  const call = (id: number, clusterId?: string, incarnation?: string) => () =>
    callerOf(identityMetadata(identity(id, directory, clusterId, incarnation)), id, own);
  expect(call(2)()).toBe(2);
  expect(call(4)()).toBe(4);
  expect(call(7)()).toBe(7);
  expect(directory.find(7)?.peers).toBe('p7:1');
  const code = (expected: string) => expect.objectContaining({ code: expected });
  expect(call(2, 'other')).toThrow(code('CELL_E_FOREIGN_CLUSTER'));
  expect(call(1)).toThrow(code('CELL_E_FOREIGN_CLUSTER'));
  expect(call(2, 'before')).toThrow(code('CELL_E_REMOVED'));
  expect(call(3)).toThrow(code('CELL_E_REMOVED'));
  expect(call(2, 'now', 'wiped')).toThrow(code('CELL_E_DATA_LOST'));
});

test('a caller is the member that its certificate names, and nothing is learned from one that says otherwise', () => {
  const directory = new MemberDirectory([member(1)]);
  directory.follow(rows({ id: 1 }, { id: 2 }));
  const metadata = identityMetadata(identity(8, directory));
  expect(() => callerOf(metadata, 2, identity(1, directory))).toThrow(
    'Refused member "8": it has the certificate of member "2"',
  );
  expect(directory.find(8)).toBeUndefined();
});
