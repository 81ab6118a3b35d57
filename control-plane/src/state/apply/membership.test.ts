import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MemberRow, presentMembers } from '../../model/members.ts';
import { MEMBERS_MAX, RECOVERIES_MAX } from '../limits.ts';
import { exampleAddresses, exampleFounder, membershipArbitrary, TestFleet } from '../testing/fleet-arbitraries.ts';

function founded(): TestFleet {
  const fleet = new TestFleet();
  fleet.found(1, 2, 3);
  return fleet;
}

const newEvents = (fleet: TestFleet) => fleet.change?.events.map(({ type, subject }) => `${type} ${subject}`);
const admit = (fleet: TestFleet, id: number, incarnation: string) =>
  fleet.apply({ kind: 'admit-member', id, incarnation });
const remove = (fleet: TestFleet, id: number) => fleet.apply({ kind: 'remove-member', id });
const recover = (fleet: TestFleet, survivor: number, clusterId = 'new') =>
  fleet.apply({ kind: 'recover-cluster', survivor, clusterId, formerClusterId: 'old' });

test('founders are written once, with their names, as members', () => {
  const fleet = founded();
  expect(newEvents(fleet)).toEqual(['ClusterFounded control-plane']);
  expect(fleet.tables.members.get(2)).toEqual({
    ...exampleFounder(2),
    status: 'member',
    changedAtMs: fleet.timeMs,
    modifyIndex: 1,
  });
  expect(fleet.change?.members.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(fleet.found(4)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.tables.members.size).toBe(3);
});

test.each([
  ['nobody', []],
  ['more than there may be', Array.from({ length: MEMBERS_MAX + 1 }, (_, place) => place + 1)],
  ['one twice', [1, 1]],
  ['id 0', [0, 1]],
])('%s cannot found a cluster', (_what, ids) => {
  expect(new TestFleet().found(...ids)).toMatchObject({ ok: false, code: 'CELL_E_INVALID' });
});

test('a member is invited, and asked again with the same addresses nothing changes', () => {
  const fleet = founded();
  expect(fleet.invite(4)).toMatchObject({ ok: true, unchanged: false });
  expect(newEvents(fleet)).toEqual(['MemberInvited control-plane/4']);
  const row = { id: 4, ...exampleAddresses(4), incarnation: '', status: 'invited' };
  expect(fleet.tables.members.get(4)).toEqual({ ...row, changedAtMs: fleet.timeMs, modifyIndex: 2 });
  expect(fleet.invite(4)).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.tables.members.get(4)).toEqual({ ...row, changedAtMs: fleet.timeMs - 1_000, modifyIndex: 2 });
  expect(newEvents(fleet)).toEqual([]);
});

const refused: readonly (readonly [string, string, number, Partial<ReturnType<typeof exampleAddresses>>])[] = [
  ['an id in use, with other addresses', 'CELL_E_CONFLICT', 2, exampleAddresses(7)],
  ["another one's address", 'CELL_E_CONFLICT', 4, { http: 'm2:7602' }],
  ["another one's address for another purpose", 'CELL_E_CONFLICT', 4, { http: 'm2:7600' }],
  ['one address twice', 'CELL_E_CONFLICT', 4, { http: 'm4:7600' }],
  ['no address', 'CELL_E_INVALID', 4, { peers: '' }],
  ['id 0', 'CELL_E_INVALID', 0, {}],
];

test.each(refused)('an invitation with %s is refused', (_what, code, id, changes) => {
  const fleet = founded();
  const command = { kind: 'invite-member', id, ...exampleAddresses(id), ...changes } as const;
  expect(fleet.apply(command)).toMatchObject({ ok: false, code });
});

test('there is a limit to members, and removed ones do not count', () => {
  const fleet = founded();
  for (let id = 4; id <= MEMBERS_MAX; id += 1) expect(fleet.invite(id)).toMatchObject({ ok: true });
  expect(fleet.invite(10)).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  remove(fleet, 1);
  expect(fleet.invite(10)).toMatchObject({ ok: true });
});

test('an invited member is admitted by one name, and by no other one', () => {
  const fleet = founded();
  fleet.invite(4);
  expect(admit(fleet, 4, '')).toMatchObject({ ok: false, code: 'CELL_E_INVALID' });
  expect(admit(fleet, 4, 'first')).toMatchObject({ ok: true, unchanged: false });
  expect(newEvents(fleet)).toEqual(['MemberAdmitted control-plane/4']);
  expect(admit(fleet, 4, 'first')).toMatchObject({ ok: true, unchanged: true });
  expect(admit(fleet, 4, 'second')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.tables.members.get(4)).toMatchObject({ incarnation: 'first', status: 'member' });
  expect(fleet.invite(4)).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.tables.members.get(4)).toMatchObject({ incarnation: 'first', status: 'member' });
});

test('a founder that lost its data is refused, and so is who was not invited', () => {
  const fleet = founded();
  expect(admit(fleet, 1, 'name-1')).toMatchObject({ ok: true, unchanged: true });
  expect(admit(fleet, 1, 'fresh')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(admit(fleet, 9, 'fresh')).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
});

test('a removed member stays out, its id is used up, and its addresses are free', () => {
  const fleet = founded();
  expect(remove(fleet, 2)).toMatchObject({ ok: true, unchanged: false });
  expect(newEvents(fleet)).toEqual(['MemberRemoved control-plane/2']);
  expect(fleet.tables.members.get(2)).toMatchObject({ status: 'removed', incarnation: 'name-2', grpc: '' });
  expect(remove(fleet, 2)).toMatchObject({ ok: true, unchanged: true });
  expect(remove(fleet, 8)).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(admit(fleet, 2, 'name-2')).toMatchObject({ ok: false, code: 'CELL_E_REMOVED' });
  const usedUp = { code: 'CELL_E_CONFLICT', message: expect.stringContaining('never used') };
  expect(fleet.invite(2)).toMatchObject({ ok: false, ...usedUp });
  expect(fleet.invite(4, 2)).toMatchObject({ ok: true });
  expect(presentMembers(fleet.tables.members).map(({ id }) => id)).toEqual([1, 3, 4]);
});

test('after a recovery only the survivor is left, and it is told for ever who was dropped', () => {
  const fleet = founded();
  fleet.invite(4);
  remove(fleet, 3);
  expect(recover(fleet, 3)).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(recover(fleet, 7)).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(recover(fleet, 2)).toMatchObject({ ok: true, dropped: [1, 4] });
  expect(newEvents(fleet)).toEqual(['ClusterRecovered control-plane']);
  expect(presentMembers(fleet.tables.members).map(({ id }) => id)).toEqual([2]);
  const about = { clusterId: 'new', formerClusterId: 'old', survivor: 2, dropped: [1, 4] };
  expect(fleet.tables.recoveries).toEqual([{ ...about, index: fleet.tables.index, timeMs: fleet.timeMs }]);
  expect(fleet.invite(1)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
});

test('a cluster in which nobody was written down yet can be recovered; of many recoveries the newest are kept', () => {
  const fleet = new TestFleet();
  for (let round = 1; round <= RECOVERIES_MAX + 2; round += 1) {
    expect(recover(fleet, 1, `c${round}`)).toMatchObject({ ok: true, dropped: [] });
  }
  expect(fleet.tables.recoveries).toHaveLength(RECOVERIES_MAX);
  expect(fleet.tables.recoveries.at(-1)?.clusterId).toBe(`c${RECOVERIES_MAX + 2}`);
});

test('whatever happens, nobody comes back, nobody changes its name, and addresses are nowhere twice', () => {
  const history = fc.array(membershipArbitrary(), { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(history, (commands) => {
      const fleet = new TestFleet();
      for (const command of commands) {
        const before = new Map(fleet.tables.members);
        fleet.apply(command);
        for (const row of before.values()) expect(mayFollow(row, fleet.tables.members.get(row.id))).toBe(true);
        const present = presentMembers(fleet.tables.members);
        const addresses = present.flatMap(({ grpc, peers, http }) => [grpc, peers, http]);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(present.length).toBeLessThanOrEqual(MEMBERS_MAX);
      }
    }),
    { numRuns: 200 },
  );
});

function mayFollow(before: MemberRow, after: MemberRow | undefined): boolean {
  if (after === undefined) return false;
  if (before.status === 'removed' && after.status !== 'removed') return false;
  return before.incarnation === '' || before.incarnation === after.incarnation;
}
