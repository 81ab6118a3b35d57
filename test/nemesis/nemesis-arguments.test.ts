import { expect, test } from 'vitest';
import { FAULT_KINDS } from './faults/fault.ts';
import { readNemesisArguments } from './nemesis-arguments.ts';

test('without words all faults come for two minutes, from any seed', () => {
  expect(readNemesisArguments([])).toEqual({
    seed: undefined,
    minutes: 2,
    faults: FAULT_KINDS,
    members: 5,
    clients: 10,
    keep: false,
  });
});

test('seed, time and faults can be chosen', () => {
  const words = ['--seed', '7', '--minutes', '0.5', '--faults', 'kill,one-way'];
  expect(readNemesisArguments(words)).toMatchObject({ seed: 7, minutes: 0.5, faults: ['kill', 'one-way'] });
});

test.each([
  [['--seed', '-1'], '--seed must be a whole number from 0'],
  [['--seed', 'x'], '"x"'],
  [['--minutes', '0'], '--minutes must be a number above 0, not "0"'],
  [['--faults', 'kill,flood'], 'No fault is called "flood"; there are kill, pause'],
  [['--members', '2'], '--members must be a whole number from 3'],
  [['--what'], "Unknown option '--what'"],
])('%j is refused', (words, message) => {
  const attempt = words[0] === '--seed' ? [`${words[0]}=${words[1]}`] : words;
  expect(() => readNemesisArguments(attempt)).toThrow(message);
});
