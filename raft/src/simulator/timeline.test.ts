import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timeline } from './timeline.ts';

test('things happen in order of time, and of scheduling where times are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), (delays) => {
      const timeline = new Timeline();
      const happened: { delay: number; order: number }[] = [];
      delays.forEach((delay, order) => {
        timeline.after(delay, () => {
          expect(timeline.nowMs).toBe(delay);
          happened.push({ delay, order });
        });
      });
      while (timeline.advance(20));
      expect(happened).toEqual(
        delays.map((delay, order) => ({ delay, order })).sort((a, b) => a.delay - b.delay || a.order - b.order),
      );
    }),
  );
});

test('nothing happens before its time, and time passes all the same', () => {
  const timeline = new Timeline();
  let happened = false;
  timeline.after(10, () => {
    happened = true;
  });
  expect([timeline.advance(9), timeline.nowMs, happened]).toEqual([false, 9, false]);
  expect([timeline.advance(10), timeline.nowMs, happened]).toEqual([true, 10, true]);
  expect(timeline.size).toBe(0);
});
