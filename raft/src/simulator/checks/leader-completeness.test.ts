import { expect, test } from 'vitest';
import { CommittedEntries } from './committed-entries.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { logOfEntries, logOfTerms, memberView, valueEntry } from './testing/views.ts';

/** Indexes 1 and 2, of term 1, were committed in term 2; the new leader's log has these terms. */
function elect(term: number, ...logTerms: number[]): string | undefined {
  const committed = new CommittedEntries();
  const check = new LeaderCompleteness(committed, () => logOfTerms(...logTerms));
  const log = logOfTerms(1, 1);
  expect(check.committed(memberView({ id: 3, term: 2, commit: 2, lastIndex: 2 }), 0, log)).toBeUndefined();
  return check.stepped(memberView({ role: 'candidate', term }), memberView({ role: 'leader', term }));
}

test('a leader that lacks a committed entry is reported', () => {
  expect(elect(3, 1)).toMatch(/lacks index 2 of term 1/);
});

test('a leader that has another entry in the place of a committed one is reported', () => {
  expect(elect(3, 1, 2)).toMatch(/lacks index 2/);
});

test('a leader that has everything, or of an earlier term than the commit, is right', () => {
  expect(elect(3, 1, 1, 3)).toBeUndefined();
  expect(elect(2, 1)).toBeUndefined();
});

test('whoever commits another entry than others did is reported', () => {
  const check = new LeaderCompleteness(new CommittedEntries(), () => logOfTerms());
  check.committed(memberView({ commit: 1, lastIndex: 1 }), 0, logOfTerms(1));
  const other = logOfEntries([valueEntry(1, 1, 99)]);
  expect(check.committed(memberView({ id: 2, commit: 1, lastIndex: 1 }), 0, other)).toMatch(/another entry at index 1/);
});

test('a commit index beyond the log is reported', () => {
  const check = new LeaderCompleteness(new CommittedEntries(), () => logOfTerms());
  expect(check.committed(memberView({ commit: 2 }), 0, logOfTerms(1))).toMatch(/considers 2 committed/);
});
