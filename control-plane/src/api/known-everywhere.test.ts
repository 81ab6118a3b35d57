import { expect, test } from 'vitest';
import { FakeClock, settle } from '../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import type { MemberStatus, Peers } from '../ports.ts';
import { knownEverywhere } from './known-everywhere.ts';

function status(appliedIndex: number): MemberStatus {
  return { appliedIndex } as MemberStatus;
}

/** Members 2 and 3, by the index that they have applied; undefined: it does not answer. */
function parts(applied: Map<number, number>) {
  const clock = new FakeClock();
  const members = [1, 2, 3].map((id) => ({ id, grpc: '', peers: '', http: '' }));
  const member: Peers['member'] = async (to) => {
    const index = applied.get(to);
    if (index === undefined) throw new Error('it does not answer');
    return status(index);
  };
  const peers = { members, member } as Partial<Peers> as Peers;
  return { clock, consensus: new MemoryConsensus(), peers, ownStatus: () => status(7) };
}

test('it is over once all that answer have it', async () => {
  const applied = new Map([[2, 6]]);
  const given = parts(applied);
  let over = false;
  const waiting = knownEverywhere(given, 7).then(() => {
    over = true;
  });
  await given.clock.advance(200);
  expect(over).toBe(false);
  applied.set(2, 7);
  await given.clock.advance(100);
  await waiting;
});

test('a member that never has it is not waited for without end', async () => {
  const given = parts(new Map([[2, 1]]));
  const waiting = knownEverywhere(given, 7);
  for (let turns = 0; turns < 30; turns += 1) {
    await settle();
    await given.clock.advance(25);
  }
  await waiting;
});
