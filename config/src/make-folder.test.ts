import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from './make-folder.ts';

let here: string;
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'cell-folder-'));
});
afterEach(() => rmSync(here, { recursive: true }));

test('makeFolder() makes those above too, and tells which is the topmost new one', () => {
  expect(makeFolder(join(here, 'a/b/c'), 0o700)).toBe(join(here, 'a'));
  expect(statSync(join(here, 'a/b/c')).mode & 0o777).toBe(0o700);
  expect(makeFolder(join(here, 'a/b/d'), 0o700)).toBe(join(here, 'a/b/d'));
  expect(makeFolder(join(here, 'a/b'), 0o700)).toBeUndefined();
});

test('makeFolder() ends with what is wrong where nothing can be made', () => {
  writeFileSync(join(here, 'file'), '');
  expect(() => makeFolder(join(here, 'file'), 0o700)).toThrow(/^EEXIST/);
  expect(() => makeFolder(join(here, 'file/a/b'), 0o700)).toThrow(/^ENOTDIR/);
  if (existsSync('/proc/self')) expect(() => makeFolder('/proc/cell/data', 0o700)).toThrow(/^ENOENT/);
});
