import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from './command.ts';
import { KEYS, packCommand, unpackCommand } from './command.ts';

const SEQUENCE_MAX = 2 ** 20 - 1;

test('every command is one safe integer, from which it can be read again', () => {
  const commands: fc.Arbitrary<Command> = fc.record({
    sequence: fc.integer({ min: 1, max: SEQUENCE_MAX }),
    key: fc.nat({ max: KEYS - 1 }),
    kind: fc.constantFrom('append' as const, 'write' as const, 'swap' as const),
    expected: fc.nat({ max: SEQUENCE_MAX }),
  });
  fc.assert(
    fc.property(commands, (command) => {
      const packed = packCommand(command);
      expect(Number.isSafeInteger(packed)).toBe(true);
      expect(unpackCommand(packed)).toEqual(command);
    }),
  );
});

test('a command beyond what fits is refused', () => {
  expect(() => packCommand({ sequence: SEQUENCE_MAX + 1, key: 0, kind: 'write', expected: 0 })).toThrow(RangeError);
});
