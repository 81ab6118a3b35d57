import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeId } from '../types.ts';
import { isVoter, jointCommitted, jointVote, voterIds } from './joint.ts';
import type { AckedIndexes } from './majority.ts';
import { majorityCommitted, majorityVote } from './majority.ts';

const IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const voters = fc.subarray(IDS);
const indexes = fc.dictionary(fc.constantFrom(...IDS.map(String)), fc.nat({ max: 20 }));
const votes = fc.dictionary(fc.constantFrom(...IDS.map(String)), fc.boolean());

function acked(known: Record<string, number>): AckedIndexes {
  return { ackedIndex: (id) => known[String(id)] };
}

function voteMap(known: Record<string, boolean>): Map<NodeId, boolean> {
  return new Map(Object.entries(known).map(([id, vote]) => [Number(id), vote]));
}

/** The definition, tried out on every candidate: the largest index that more than half have reached. */
function naiveCommitted(ids: readonly NodeId[], known: Record<string, number>): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  const candidates = [0, ...Object.values(known)];
  const reached = candidates.filter(
    (index) => ids.filter((id) => (known[String(id)] ?? 0) >= index).length * 2 > ids.length,
  );
  return Math.max(...reached);
}

/** Won, or lost, if it is so however those vote who have not yet. */
function naiveVote(ids: readonly NodeId[], known: Map<NodeId, boolean>): 'won' | 'lost' | 'pending' {
  if (ids.length === 0) return 'won';
  const wins = (missing: boolean): boolean => ids.filter((id) => known.get(id) ?? missing).length * 2 > ids.length;
  if (wins(false)) return 'won';
  return wins(true) ? 'pending' : 'lost';
}

test('the committed index of a majority is the largest that more than half have reached', () => {
  fc.assert(
    fc.property(voters, indexes, (ids, known) => {
      expect(majorityCommitted(ids, acked(known))).toBe(naiveCommitted(ids, known));
    }),
  );
});

test('a vote is decided as soon as the missing votes can not change it', () => {
  fc.assert(
    fc.property(voters, votes, (ids, known) => {
      expect(majorityVote(ids, voteMap(known))).toBe(naiveVote(ids, voteMap(known)));
    }),
  );
});

test('a joint quorum commits what both halves have, and wins what both win', () => {
  fc.assert(
    fc.property(voters, voters, indexes, votes, (incoming, outgoing, known, given) => {
      const both = { incoming, outgoing };
      const expected = Math.min(naiveCommitted(incoming, known), naiveCommitted(outgoing, known));
      expect(jointCommitted(both, acked(known))).toBe(expected);
      const results = [naiveVote(incoming, voteMap(given)), naiveVote(outgoing, voteMap(given))];
      const won = results.every((result) => result === 'won');
      const result = won ? 'won' : results.includes('lost') ? 'lost' : 'pending';
      expect(jointVote(both, voteMap(given))).toBe(result);
    }),
  );
});

test('any two majorities of the same voters share a member', () => {
  fc.assert(
    fc.property(voters, votes, votes, (ids, first, second) => {
      fc.pre(ids.length > 0);
      fc.pre(majorityVote(ids, voteMap(first)) === 'won' && majorityVote(ids, voteMap(second)) === 'won');
      expect(ids.some((id) => first[String(id)] === true && second[String(id)] === true)).toBe(true);
    }),
  );
});

test('the members of a joint quorum are listed once each, in order', () => {
  const both = { incoming: [2, 5], outgoing: [1, 2, 4] };
  expect(voterIds(both)).toEqual([1, 2, 4, 5]);
  expect([1, 2, 3, 4, 5].filter((id) => isVoter(both, id))).toEqual([1, 2, 4, 5]);
  expect(both).toEqual({ incoming: [2, 5], outgoing: [1, 2, 4] });
});
