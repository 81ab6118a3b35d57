import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { FakeClock, settle } from '../execute/testing/fake-clock.ts';
import type { MembershipChange } from '../ports.ts';
import { LeadershipTracker } from './leadership-tracker.ts';
import { MembershipForwarder } from './membership-forwarder.ts';

const change: MembershipChange = { kind: 'promote', id: 4 };
const notLeader = new CellError('CELL_E_NOT_LEADER', 'Not any more');

let clock: FakeClock;
let leadership: LeadershipTracker;
let asked: string[];
/** What each asked member answers next: an index, an error, or nothing for ever. */
let answers: (number | CellError | undefined)[];
let forwarder: MembershipForwarder;

beforeEach(() => {
  clock = new FakeClock();
  leadership = new LeadershipTracker();
  asked = [];
  answers = [];
  const answer = (who: string) => {
    asked.push(who);
    const next = answers.shift();
    if (next instanceof CellError) return Promise.reject(next);
    return next === undefined ? new Promise<number>(() => {}) : Promise.resolve(next);
  };
  forwarder = new MembershipForwarder({
    changes: { change: () => answer('here') },
    peers: { changeMembership: (to) => answer(`member ${to}`), replication: () => Promise.reject(notLeader) },
    ownReplication: () => ({ lastIndex: 5, members: [] }),
    leadership,
    clock,
  });
});

function lead(leader: number): void {
  leadership.update({ leader, role: leader === 1 ? 'leader' : 'follower' }, leader);
}

test('the change goes to the leader, and after that one has gone to the next', async () => {
  lead(2);
  answers = [notLeader, notLeader, 77];
  const changed = forwarder.change(change, 10_000);
  await settle();
  lead(3);
  await clock.advance(50);
  lead(1);
  await clock.advance(50);
  expect(await changed).toBe(77);
  expect(asked).toEqual(['member 2', 'member 3', 'here']);
});

test('a change that may have been made is not sent again, and the caller is told', async () => {
  lead(2);
  answers = [new CellError('CELL_E_PEER_UNREACHABLE', 'Cannot reach member "2"')];
  await expect(forwarder.change(change, 10_000)).rejects.toMatchObject({
    code: 'CELL_E_OUTCOME_UNKNOWN',
    message: expect.stringContaining('may be made again'),
  });
  expect(asked).toEqual(['member 2']);
});

test('a change that this leader does not get committed in time has an unknown outcome', async () => {
  lead(1);
  const changed = forwarder.change(change, 1_000);
  const outcome = expect(changed).rejects.toMatchObject({ code: 'CELL_E_OUTCOME_UNKNOWN' });
  await settle();
  await clock.advance(1_000);
  await outcome;
});

test("a refusal is the caller's, at once", async () => {
  lead(2);
  answers = [new CellError('CELL_E_CONFLICT', 'No')];
  await expect(forwarder.change(change, 1_000)).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
});

test('without a leader nothing is asked, and the wait ends', async () => {
  const changed = forwarder.change(change, 60_000);
  const outcome = expect(changed).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  await settle();
  await clock.advance(3_000);
  await outcome;
  expect(asked).toEqual([]);
});

test('members that deny one after the other that they lead are not asked for ever', async () => {
  lead(2);
  answers = Array.from({ length: 100 }, () => notLeader);
  const changed = forwarder.change(change, 1_000);
  const outcome = expect(changed).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  for (let step = 0; step < 30; step += 1) {
    await settle();
    await clock.advance(50);
  }
  await outcome;
  expect(asked.length).toBeLessThanOrEqual(21);
});

test('how far the members are is known to the leader only', async () => {
  await expect(forwarder.replication(100)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  lead(1);
  expect(await forwarder.replication(100)).toMatchObject({ lastIndex: 5 });
});
