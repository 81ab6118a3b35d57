import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Standing, StatusLine } from './status-line.ts';

let said: string[];
let standing: Standing;
let line: StatusLine;

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  standing = { ready: false, text: 'Waits for members 2 and 3' };
  const manager = { notify: (...words: readonly string[]) => void said.push(words.join('|')) };
  line = new StatusLine(manager, () => standing);
});
afterEach(() => {
  line.stop();
  vi.useRealTimers();
});

test('it says that it is ready once, as soon as it is', () => {
  vi.advanceTimersByTime(5_000);
  standing = { ready: true, text: 'Leader' };
  vi.advanceTimersByTime(50);
  expect(said).toEqual(['STATUS=Waits for members 2 and 3', 'READY=1|STATUS=Leader']);
  standing = { ready: false, text: 'No leader is known' };
  vi.advanceTimersByTime(1_000);
  standing = { ready: true, text: 'Leader' };
  vi.advanceTimersByTime(1_000);
  expect(said.slice(2)).toEqual(['STATUS=No leader is known', 'STATUS=Leader']);
});

test('what changes often is said once a second', () => {
  let count = 0;
  const change = setInterval(() => {
    count += 1;
    standing = { ready: count > 20, text: `${count}` };
  }, 10);
  vi.advanceTimersByTime(10_000);
  clearInterval(change);
  expect(said.length).toBeLessThanOrEqual(12);
  vi.advanceTimersByTime(1_000);
  expect(said.at(-1)).toBe(`STATUS=${count}`);
});

test('a remark is said at once, and stays until the next', () => {
  standing = { ready: true, text: 'Leader' };
  line.look();
  line.remark('Restart it');
  standing = { ready: true, text: 'Follower' };
  vi.advanceTimersByTime(1_000);
  line.remark('');
  expect(said).toEqual([
    'READY=1|STATUS=Leader',
    'STATUS=Leader. Restart it',
    'STATUS=Follower. Restart it',
    'STATUS=Follower',
  ]);
});

test('nothing is said twice, and nothing after the end', () => {
  vi.advanceTimersByTime(10_000);
  line.stop();
  standing = { ready: true, text: 'Leader' };
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual(['STATUS=Waits for members 2 and 3']);
});
