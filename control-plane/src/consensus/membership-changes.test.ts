import { type ConfChange, CoreError, RaftError, type RaftStatus } from '@cell/raft';
import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '../execute/testing/example-fleet.ts';
import { FakeClock } from '../execute/testing/fake-clock.ts';
import type { Command } from '../state/commands.ts';
import { decodeCommand } from '../state/format/command-codec.ts';
import { exampleAddresses, TestFleet } from '../state/testing/fleet-arbitraries.ts';
import { MembershipChanges } from './membership-changes.ts';

let fleet: TestFleet;
let status: { -readonly [Key in keyof RaftStatus]: RaftStatus[Key] };
/** What was asked of Raft, in words. */
let done: string[];
let failure: Error | undefined;
let changes: MembershipChanges;

beforeEach(() => {
  fleet = new TestFleet();
  fleet.found(1, 2, 3);
  done = [];
  failure = undefined;
  enforce([1, 2, 3]);
  const changeMembership = async ({ changes: [single], context }: ConfChange) => {
    const command = decodeCommand(context);
    done.push(`${single?.type} ${single?.node} with ${command.kind}`);
    if (failure !== undefined) throw failure;
    return { index: 99, conf: status.conf };
  };
  const transferLeadership = async (to: number) => {
    done.push(`hand over to ${to}`);
    throw new RaftError('timeout', 'It did not take over');
  };
  const propose = async (command: Command) => {
    done.push(command.kind);
    return { ok: true, index: 98 } as const;
  };
  const driver = { status: () => status, changeMembership, transferLeadership };
  const clock = new FakeClock();
  changes = new MembershipChanges({ driver, state: fleet.tables, clock, log: silentLog, electionMs: 400, propose });
});

/** Member 1 leads, and hears of all others. */
function enforce(voters: number[], learners: number[] = []): void {
  const members = [...voters, ...learners].map((id) => {
    const about = { learner: learners.includes(id), match: 50 - id, state: 'replicate', recentlyActive: true } as const;
    return { id, ...about, lastContactMs: id === 1 ? undefined : 20 };
  });
  const conf = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  status = { id: 1, role: 'leader', leader: 1, lastIndex: 50, conf, members } as unknown as typeof status;
}

const add = (id: number) => changes.change({ kind: 'add', id, ...exampleAddresses(id) });
const promote = (id: number) => changes.change({ kind: 'promote', id });
const remove = (id: number, force = false) => changes.change({ kind: 'remove', id, force });

test('each change is one entry, which carries the command for the table', async () => {
  expect(await add(4)).toBe(99);
  fleet.invite(4);
  enforce([1, 2, 3], [4]);
  await promote(4);
  await remove(4);
  const wanted = ['add-learner 4 with invite-member', 'add-voter 4 with note-promotion', 'remove 4 with remove-member'];
  expect(done).toEqual(wanted);
});

test('what is so already is not changed again', async () => {
  fleet.invite(4);
  const invitedAt = fleet.tables.index;
  enforce([1, 2, 3], [4]);
  expect(await add(4)).toBe(invitedAt);
  await promote(2);
  fleet.apply({ kind: 'remove-member', id: 3 });
  enforce([1, 2]);
  expect(await remove(3)).toBe(fleet.tables.index);
  expect(done).toEqual([]);
});

test('where configuration and table are apart, the one that lacks something gets it', async () => {
  enforce([1, 2, 3], [4]);
  expect(await add(4)).toBe(98);
  fleet.invite(5);
  expect(await add(5)).toBe(99);
  expect(await remove(5)).toBe(98);
  fleet.apply({ kind: 'remove-member', id: 3 });
  expect(await remove(3)).toBe(99);
  expect(done).toEqual([
    'invite-member',
    'add-learner 5 with invite-member',
    'remove-member',
    'remove 3 with remove-member',
  ]);
});

test('a leader that nobody relieves removes itself if two others stay, and not if there is one', async () => {
  expect(await remove(1)).toBe(99);
  expect(done).toEqual(['hand over to 2', 'hand over to 3', 'remove 1 with remove-member']);
  done.length = 0;
  enforce([1, 2]);
  await expect(remove(1, true)).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
  expect(done).toEqual(['hand over to 2']);
});

test.each([
  ['CELL_E_CONFLICT', new RaftError('change-pending', 'Another change of membership is under way')],
  ['CELL_E_CONFLICT', new CoreError('conf-change-invalid', 'No')],
  ['CELL_E_NOT_LEADER', new RaftError('not-leader', 'Member 1 does not lead')],
  ['CELL_E_OUTCOME_UNKNOWN', new RaftError('outcome-unknown', 'Leadership was lost')],
])('what Raft refuses, or can not tell, is %s', async (code, error) => {
  failure = error;
  await expect(add(4)).rejects.toMatchObject({ code });
  failure = undefined;
  expect(await add(4)).toBe(99);
});

test('a member that does not lead changes nothing', async () => {
  status.role = 'follower';
  await expect(add(4)).rejects.toMatchObject({ code: 'CELL_E_NOT_LEADER' });
  expect(done).toEqual([]);
});
