import { expect, test } from 'vitest';
import type { Operation } from '../client-operation.ts';
import type { Command } from '../command.ts';
import { packCommand } from '../command.ts';
import type { Register } from '../register.ts';
import { EMPTY_REGISTER } from '../register.ts';
import { LinearizableHistory } from './linearizable-history.ts';

const NOTHING = { answeredMs: undefined, answer: undefined, appliedMs: undefined, outcome: undefined, failed: false };

function appendOf(sequence: number, invokedMs: number, fields: Partial<Operation> = {}): Operation {
  const command: Command = { sequence, key: 0, kind: 'append', expected: 0 };
  return { member: 1, key: 0, value: packCommand(command), command, invokedMs, ...NOTHING, ...fields };
}

function readOf(invokedMs: number, answeredMs: number, answer: Register): Operation {
  return { member: 2, key: 0, value: 1, command: undefined, invokedMs, ...NOTHING, answeredMs, answer };
}

function answered(answeredMs: number, length: number, last: number, previous: number): Partial<Operation> {
  return { answeredMs, answer: { length, last, previous } };
}

test('a read that does not see an acknowledged command is reported, with what was asked and answered', () => {
  const verdict = new LinearizableHistory().judge([appendOf(5, 0, answered(1, 1, 5, 0)), readOf(2, 3, EMPTY_REGISTER)]);
  expect(verdict).toMatchInlineSnapshot(`
    "No order explains the answers to the 2 operations on 'register 0'; the longest has 1 and ends in:
      client 1, 0 to 1: append 5 -> 1 items, the last is 5, after 0
    None of these can follow:
      client 2, 2 to 3: read -> 0 items, the last is 0, after 0"
  `);
});

test('a command that happened twice is reported', () => {
  const twice = [appendOf(5, 0, answered(1, 1, 5, 0)), appendOf(6, 2, answered(3, 3, 6, 5))];
  expect(new LinearizableHistory().judge(twice)).toMatch(/No order explains/);
});

test('a command that was applied must be seen from then on, answered or not', () => {
  const applied = appendOf(5, 0, { appliedMs: 4, outcome: { length: 1, last: 5, previous: 0 } });
  expect(new LinearizableHistory().judge([applied, readOf(3, 5, EMPTY_REGISTER)])).toBeUndefined();
  expect(new LinearizableHistory().judge([applied, readOf(5, 6, EMPTY_REGISTER)])).toMatch(/None of these can follow/);
});

test('a command that was said not to have happened, and did, is reported', () => {
  const lie = appendOf(5, 0, { failed: true, appliedMs: 4, outcome: { length: 1, last: 5, previous: 0 } });
  expect(new LinearizableHistory().judge([lie])).toBe('Member 1 said that command 5 did not happen, and it did');
});

test('commands of which nothing was ever heard are no matter', () => {
  const history = [appendOf(5, 0), appendOf(6, 0, { failed: true }), readOf(7, 8, EMPTY_REGISTER)];
  expect(new LinearizableHistory().judge(history)).toBeUndefined();
});
