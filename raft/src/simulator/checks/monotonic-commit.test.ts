import { expect, test } from 'vitest';
import { MonotonicCommit } from './monotonic-commit.ts';
import { memberView } from './testing/views.ts';

const before = memberView({ term: 3, commit: 4, lastIndex: 6 });

test.each([
  { why: 'a commit index that falls', after: { commit: 3 }, report: /fell from 4 to 3/ },
  { why: 'a term that falls', after: { term: 2 }, report: /fell from 3 to 2/ },
  { why: 'a commit index beyond the log', after: { commit: 7 }, report: /log ends at 6/ },
])('$why is reported', ({ after, report }) => {
  expect(new MonotonicCommit().stepped(before, { ...before, ...after })).toMatch(report);
});

test('progress is right, and so is a lower commit index after a restart', () => {
  const check = new MonotonicCommit();
  expect(check.stepped(before, { ...before, commit: 5, term: 4 })).toBeUndefined();
  expect(check.stepped(before, { ...before, commit: 1, start: 2 })).toBeUndefined();
});
