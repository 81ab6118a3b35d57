import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeToken, tokenText } from '@cell/identity';
import { afterAll, expect, test } from 'vitest';
import { configuredToken } from './configured-token.ts';

const folder = mkdtempSync(join(tmpdir(), 'cell-token-'));
const file = join(folder, 'join-token');
const token = tokenText(makeToken('join', 'ab'.repeat(32)));
afterAll(() => rmSync(folder, { recursive: true }));

function given(settings: { join_token?: string; join_token_file?: string }, environment = {}) {
  return configuredToken({ join_token: undefined, join_token_file: undefined, ...settings }, environment);
}

test('a token is taken from where it is written, without the white space around it', async () => {
  writeFileSync(file, `\n${token}\n`);
  expect(await given({ join_token_file: file })).toEqual({ text: token, place: `the file "${file}"` });
  expect(await given({ join_token: ` ${token}` })).toEqual({ text: token, place: 'the setting "join_token"' });
  expect(await given({})).toBeUndefined();
});

test.each([
  ['of a file', { join_token_file: file }, {}, `the file "${file}"`],
  ['of a setting', { join_token: token.slice(1) }, {}, 'the setting "join_token"'],
  ['of a variable', { join_token: token.slice(1) }, { CELL_JOIN_TOKEN: 'x' }, 'the variable "CELL_JOIN_TOKEN"'],
])('what is no token is told with where it is written: that %s', async (_what, settings, environment, place) => {
  writeFileSync(file, token.slice(1));
  await expect(given(settings, environment)).rejects.toMatchObject({
    code: 'CELL_E_CONFIG',
    message:
      `This machine can't join with the token from ${place}: This is no token: a token to join with is one word that ` +
      'begins with "celljoin_"',
  });
});

test('a file that is not there is told as what it is', async () => {
  const missing = `${file}-2`;
  await expect(given({ join_token_file: missing })).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
});
