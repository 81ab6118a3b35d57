import { expect, test } from 'vitest';
import { BegunTerms } from './begun-terms.ts';
import { memberView } from './testing/views.ts';

test('a member that is in a term in which nobody stood for election is reported', () => {
  const check = new BegunTerms();
  const verdict = check.stepped(memberView({ term: 1 }), memberView({ term: 2 }));
  expect(verdict).toBe('Member 1, a follower, is in term 2, in which nobody has stood for election yet');
  expect(check.stepped(memberView({ term: 1 }), memberView({ term: 2, role: 'pre-candidate' }))).toMatch(/in term 2/);
});

test('a candidate that leaves out a term is reported', () => {
  const check = new BegunTerms();
  expect(check.stepped(memberView({ term: 1 }), memberView({ term: 3, role: 'candidate' }))).toMatch(/in term 3/);
});

test('a candidate begins the next term, and others may follow it there', () => {
  const check = new BegunTerms();
  expect(check.stepped(memberView({ term: 1 }), memberView({ term: 2, role: 'candidate' }))).toBeUndefined();
  expect(check.stepped(memberView({ id: 2, term: 1 }), memberView({ id: 2, term: 2 }))).toBeUndefined();
  expect(check.stepped(undefined, memberView({ id: 3, term: 2 }))).toBeUndefined();
});
