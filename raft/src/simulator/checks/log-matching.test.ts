import { expect, test } from 'vitest';
import { LogMatching } from './log-matching.ts';
import { memberView, valueEntry } from './testing/views.ts';

function member(id: number, lastIndex: number) {
  return memberView({ id, term: 9, lastIndex });
}

/** Member 1 has index 4 of term 1 and index 5 of term 3. */
function seen(): LogMatching {
  const check = new LogMatching();
  expect(check.logged(member(1, 5), [valueEntry(1, 4), valueEntry(3, 5)], 1)).toBeUndefined();
  return check;
}

test('the same entry behind entries of different terms is reported', () => {
  expect(seen().logged(member(2, 5), [valueEntry(3, 5)], 2)).toMatch(/term before is 2 here, and 1/);
});

test('another entry at the same index and term is reported', () => {
  expect(seen().logged(member(2, 5), [valueEntry(3, 5, 77)], 1)).toMatch(/another entry there/);
});

test('terms that fall along the log are reported', () => {
  expect(seen().logged(member(2, 6), [valueEntry(4, 5), valueEntry(3, 6)], 1)).toMatch(/term before is 4/);
});

test('an entry of a later term than that of its holder is reported', () => {
  expect(new LogMatching().logged(memberView({ term: 2, lastIndex: 1 }), [valueEntry(3, 1)], 0)).toMatch(/in term 2/);
});

test('a log that does not end where its member takes it to end is reported', () => {
  expect(seen().logged(member(2, 9), [valueEntry(3, 5)], 1)).toMatch(/stores its log up to 5.*end at 9/);
});

test('equal logs, and other terms at the same index, are right', () => {
  expect(seen().logged(member(2, 5), [valueEntry(1, 4), valueEntry(3, 5)], 1)).toBeUndefined();
  expect(seen().logged(member(2, 5), [valueEntry(2, 5)], 1)).toBeUndefined();
});
