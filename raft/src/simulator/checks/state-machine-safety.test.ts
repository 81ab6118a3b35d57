import { expect, test } from 'vitest';
import { decodeValue } from '../list-machine.ts';
import { StateMachineSafety } from './state-machine-safety.ts';
import { memberView, valueEntry } from './testing/views.ts';

const one = memberView({ id: 1 });
const two = memberView({ id: 2 });

/** Member 1 has applied indexes 2 and 3, with the values 2 and 3. */
function applied(): StateMachineSafety {
  const check = new StateMachineSafety(1, ({ data }) => decodeValue(data));
  check.restored(one, 1, []);
  check.restored(two, 1, []);
  for (const index of [2, 3]) expect(check.applied(one, valueEntry(1, index))).toBeUndefined();
  return check;
}

test('another entry at the same index is reported', () => {
  expect(applied().applied(two, valueEntry(1, 2, 99))).toMatch(/Member 2 applied an entry of term 1 at index 2/);
});

test('an entry that is applied twice is reported', () => {
  expect(applied().applied(one, valueEntry(1, 3))).toMatch(/index 3 after 3/);
});

test('an entry that is left out is reported', () => {
  expect(applied().applied(two, valueEntry(1, 3))).toMatch(/index 3 after 1/);
});

test('a snapshot with another state, or from a place that nobody reached, is reported', () => {
  expect(applied().restored(two, 3, [2, 4])).toMatch(/another state/);
  expect(applied().restored(two, 3, [2])).toMatch(/another state/);
  expect(applied().restored(two, 9, [2, 3])).toMatch(/nobody has applied yet/);
});

test('the same entries, and snapshots of them, are right', () => {
  const check = applied();
  expect(check.applied(two, valueEntry(1, 2))).toBeUndefined();
  expect(check.restored(two, 3, [2, 3])).toBeUndefined();
  expect(check.applied(two, valueEntry(1, 4))).toBeUndefined();
});
