import { expect, test } from 'vitest';
import { joinEntries } from './join-entries.ts';

test('joinEntries() gives lines their ends back, and lets lines that were too long go on', () => {
  const entries = [
    ['one', ''],
    ['two', 'nul'],
    ['three, too long: ', 'line-max'],
    ['its end', ''],
    ['four, whose process ended', 'pid-change'],
    ['five', 'eof'],
  ].map(([message, lineBreak], index) => ({
    cursor: `c${index}`,
    atMs: 0,
    message: Buffer.from(message!),
    lineBreak: lineBreak!,
  }));
  const { data, cursor, stream } = joinEntries(entries);
  const text = 'one\ntwo\0three, too long: its end\nfour, whose process ended\nfive\n';
  expect([Buffer.from(data).toString(), cursor, stream]).toEqual([text, 'c5', 'stdout']);
});
