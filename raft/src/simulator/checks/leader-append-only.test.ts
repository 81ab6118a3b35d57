import { expect, test } from 'vitest';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { memberView, valueEntry } from './testing/views.ts';

function leader(lastIndex: number, term = 2) {
  return memberView({ role: 'leader', term, lastIndex });
}

function leaderWith(lastIndex: number): LeaderAppendOnly {
  const check = new LeaderAppendOnly();
  expect(check.logged(leader(lastIndex), [valueEntry(2, lastIndex)])).toBeUndefined();
  return check;
}

test('a leader that writes an index again is reported', () => {
  expect(leaderWith(5).logged(leader(5), [valueEntry(2, 5)])).toMatch(/wrote index 5 again/);
});

test('a leader whose log becomes shorter is reported', () => {
  expect(leaderWith(5).stepped(undefined, leader(4))).toMatch(/shrank from 5 to 4/);
});

test('a leader may append, and whoever leads no more, or a later term, may replace', () => {
  const check = leaderWith(5);
  expect(check.logged(leader(6), [valueEntry(2, 6)])).toBeUndefined();
  expect(check.stepped(undefined, memberView({ term: 3, lastIndex: 4 }))).toBeUndefined();
  expect(check.logged(leader(5, 4), [valueEntry(4, 5)])).toBeUndefined();
});
