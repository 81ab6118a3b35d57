import { expect, test } from 'vitest';
import { entriesSize } from '../../core/index.ts';
import { MessageSize } from './message-size.ts';
import { sentMessage, valueEntry } from './testing/views.ts';

const entries = [valueEntry(1, 1), valueEntry(1, 2)];
const append = sentMessage({ type: 'append', from: 1, to: 2, term: 1, entries });

test('an append above the limit is reported', () => {
  expect(new MessageSize(entriesSize(entries) - 1).sent(append)).toMatch(/2 entries/);
  expect(new MessageSize(entriesSize(entries)).sent(append)).toBeUndefined();
});

test('a single entry may be of any size', () => {
  expect(new MessageSize(1).sent({ ...append, entries: entries.slice(0, 1) })).toBeUndefined();
});
