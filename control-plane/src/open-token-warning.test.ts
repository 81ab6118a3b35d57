import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTokenWarning } from './open-token-warning.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-open-token-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

test('a token that everybody can read is told of where it stands, with how to close it', () => {
  const open = file('open', 0o644);
  const closed = file('closed', 0o640);
  const inFile = (join_token_file: string) => ({ join_token: undefined, join_token_file });
  const inConfiguration = { join_token: 'celljoin_…', join_token_file: undefined };
  expect(openTokenWarning(inFile(open), closed, {})).toBe(
    `Every user of this machine can read the token in "${open}". Say "chmod 600 ${open}"`,
  );
  expect(openTokenWarning(inConfiguration, open, {})).toMatch(/chmod 600 .*", or use "join_token_file"$/);
  for (const config of [inFile(closed), inFile(join(folder, 'none')), { ...inConfiguration, join_token: undefined }]) {
    expect(openTokenWarning(config, open, {})).toBe('');
  }
  expect(openTokenWarning(inConfiguration, closed, {})).toBe('');
  expect(openTokenWarning(inConfiguration, open, { CELL_JOIN_TOKEN: 'celljoin_…' })).toBe('');
});

test('a file of somebody else is closed so that the member can still read it', () => {
  const asRoot = process.getuid?.() === 0;
  const path = asRoot ? file('nobodys', 0o644) : '/etc/passwd';
  if (asRoot) chownSync(path, 65_534, 65_534);
  const config = { join_token: undefined, join_token_file: path };
  expect(openTokenWarning(config, '', {})).toContain(`"chgrp cell ${path} && chmod 640 ${path}"`);
});
