import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvariantError } from '../invariant-error.ts';
import { Inflights } from './inflights.ts';

test('messages are forgotten up to an acknowledged index, oldest first', () => {
  const inflights = new Inflights(10, 0);
  for (const index of [3, 5, 8]) inflights.add(index, 1);
  inflights.freeUpTo(4);
  expect(inflights.count).toBe(2);
  inflights.freeUpTo(8);
  expect(inflights.count).toBe(0);
});

test('a full window takes nothing more', () => {
  const inflights = new Inflights(2, 0);
  inflights.add(1, 1);
  expect(inflights.full()).toBe(false);
  inflights.add(2, 1);
  expect(inflights.full()).toBe(true);
  expect(() => inflights.add(3, 1)).toThrow(InvariantError);
});

test('the limit on bytes closes the window behind the message that reaches it', () => {
  const inflights = new Inflights(100, 10);
  inflights.add(1, 9);
  expect(inflights.full()).toBe(false);
  inflights.add(2, 50);
  expect(inflights.full()).toBe(true);
  inflights.freeUpTo(1);
  expect(inflights.full()).toBe(true);
  inflights.freeUpTo(2);
  expect(inflights.full()).toBe(false);
});

test('the ring behaves as a plain list does, over any number of turns', () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat({ max: 5 }), bytes: fc.nat({ max: 30 }) }),
    fc.record({ free: fc.nat({ max: 12 }) }),
    fc.constant({ reset: true }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.nat({ max: 200 }),
      fc.array(step, { maxLength: 200 }),
      (count, bytesMax, steps) => {
        const inflights = new Inflights(count, bytesMax);
        let twin: { index: number; bytes: number }[] = [];
        let index = 0;
        const full = (): boolean =>
          twin.length >= count || (bytesMax > 0 && twin.reduce((sum, { bytes }) => sum + bytes, 0) >= bytesMax);
        for (const next of steps) {
          if ('add' in next) {
            if (full()) continue;
            index += next.add;
            inflights.add(index, next.bytes);
            twin.push({ index, bytes: next.bytes });
          } else if ('free' in next) {
            const upTo = index - next.free;
            inflights.freeUpTo(upTo);
            twin = twin.filter((message) => message.index > upTo);
          } else {
            inflights.reset();
            twin = [];
          }
          expect(inflights.count).toBe(twin.length);
          expect(inflights.full()).toBe(full());
        }
      },
    ),
  );
});
