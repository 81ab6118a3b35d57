import { expect, test } from 'vitest';
import { ElectionSafety } from './election-safety.ts';
import { memberView } from './testing/views.ts';

function afterLeader(id: number, term: number): ElectionSafety {
  const check = new ElectionSafety();
  expect(check.stepped(undefined, memberView({ id, term, role: 'leader' }))).toBeUndefined();
  return check;
}

test('a second leader in the same term is reported', () => {
  const check = afterLeader(1, 4);
  expect(check.stepped(undefined, memberView({ id: 2, term: 4, role: 'leader' }))).toMatch(/Term 4 has two leaders/);
});

test('a leader that leads the same term again after a restart is reported', () => {
  const check = afterLeader(1, 4);
  expect(check.stepped(undefined, memberView({ id: 1, start: 2, term: 4, role: 'leader' }))).toMatch(/two leaders/);
});

test('leaders of other terms, followers, and the same leader again are right', () => {
  const check = afterLeader(1, 4);
  expect(check.stepped(undefined, memberView({ id: 2, term: 5, role: 'leader' }))).toBeUndefined();
  expect(check.stepped(undefined, memberView({ id: 2, term: 4 }))).toBeUndefined();
  expect(check.stepped(undefined, memberView({ id: 1, term: 4, role: 'leader' }))).toBeUndefined();
});
