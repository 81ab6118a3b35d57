import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { soak } from './soak.ts';

let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('as many seeds are simulated as were asked for, and a summary says what they were', async () => {
  expect(await soak(7, ({ seeds }) => seeds < 3)).toBe(0);
  expect(printed).toEqual([expect.stringMatching(/^3 seeds from 7: 0 violations; \d+ virtual seconds, .* per seed$/)]);
});

test('an interrupted soak says how far it came, and how to go on', async () => {
  let interrupted = false;
  const status = await soak(7, () => {
    if (!interrupted) process.emit('SIGINT');
    interrupted = true;
    return true;
  });
  expect(status).toBe(0);
  const seeds = Number(printed[0]?.split(' ')[0]);
  expect(printed.at(-1)).toBe(`Interrupted; to go on: npm run sim -- --minutes 10 --from ${7 + seeds}`);
});
