import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dropDoubled } from './drop-doubled.ts';
import { readFileHeads } from './file-heads.ts';

const SEQNUM_ID = 'dd119e904a7b45aca147f3a57825238e';

/** Recorded where a file was full: the same entry, with the next number. */
function cursorOf(number: string, time = '660e31515d6ed'): string {
  return `s=${SEQNUM_ID};i=${number};b=11bc;m=6a1bfc965;t=${time};x=95f5764fe8c51c7d`;
}

function kept(cursors: readonly string[], before: string | undefined, heads: readonly string[]): string[] {
  const entries = cursors.map((cursor) => ({ cursor, atMs: 0, message: Buffer.alloc(0), lineBreak: '' }));
  return dropDoubled(entries, before, () => new Set(heads)).map(({ cursor }) => cursor);
}

const [FIRST, DOUBLE] = [cursorOf('1fa6e9'), cursorOf('1fa6ea')];
const HEADS = [`${SEQNUM_ID}:1fa6ea`];

test('an entry that journald has put into two files counts once, also if reading began in between', () => {
  expect(kept([FIRST, DOUBLE], undefined, HEADS)).toEqual([FIRST]);
  expect(kept([DOUBLE], FIRST, HEADS)).toEqual([]);
});

test('lines that are the same, in the same microsecond, all count', () => {
  expect(kept([FIRST, DOUBLE], undefined, [])).toEqual([FIRST, DOUBLE]);
  expect(kept([FIRST, DOUBLE], undefined, [`${SEQNUM_ID}:1fa6e9`, 'ee:1fa6ea'])).toEqual([FIRST, DOUBLE]);
});

test('another line at the beginning of a file counts', () => {
  for (const other of [cursorOf('1fa6ea', '660e31515d6ee'), cursorOf('1fa6eb')]) {
    expect(kept([FIRST, other], undefined, [...HEADS, `${SEQNUM_ID}:1fa6eb`])).toEqual([FIRST, other]);
  }
});

test('readFileHeads() knows files that are written and files that are not any more', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cell-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'machine'));
  const header = Buffer.alloc(272);
  header.write('LPKSHHRH', 'latin1');
  header.write('ee'.repeat(16), 72, 'hex');
  header.writeBigUInt64LE(0x260fa7n, 168);
  writeFileSync(join(folder, 'machine', 'system.journal'), header);
  writeFileSync(join(folder, 'machine', `system@${SEQNUM_ID}-00000000001fa6ea-000660e31515d6ed.journal`), '');
  writeFileSync(join(folder, 'machine', 'user-1000.journal'), 'short');
  const heads = readFileHeads([folder, join(folder, 'missing')]);
  expect([...heads].toSorted()).toEqual([`${SEQNUM_ID}:1fa6ea`, `${'ee'.repeat(16)}:260fa7`]);
});
