import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkHttpSettings, HttpAccess } from './http-access.ts';

const TOKEN = 'a-token-that-is-long-enough';
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-http-access-'));
  file = join(folder, 'token');
  writeToken(`${TOKEN}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeToken(text: string, mode = 0o600): void {
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function opened(token_file: string | undefined = file) {
  const clock = { nowMs: 0 };
  const problems: string[] = [];
  const access = new HttpAccess({
    allow: ['loopback', '10.1.0.0/16'],
    token_file,
    monotonicMs: () => clock.nowMs,
    onProblem: (problem) => problems.push(problem),
  });
  return { access, clock, problems };
}

const refused = (problem: string | undefined) => problem !== undefined;

test('who is allowed by address needs no token, and who has the token may come from anywhere', () => {
  const { access } = opened();
  expect(access.refusal('127.0.0.1', undefined)).toBeUndefined();
  expect(access.refusal('::ffff:10.1.2.3', 'Bearer wrong')).toBeUndefined();
  expect(access.refusal('192.0.2.1', `Bearer ${TOKEN}`)).toBeUndefined();
  expect(access.refusal('192.0.2.1', `bearer  ${TOKEN}`)).toBeUndefined();
});

test('a machine that may call by loopback may call itself by any of its addresses', () => {
  const { access } = opened();
  expect(access.refusal('192.0.2.1', undefined, '192.0.2.1')).toBeUndefined();
  expect(refused(access.refusal('192.0.2.1', undefined, '192.0.2.2'))).toBe(true);
  expect(refused(access.refusal(undefined, undefined, undefined))).toBe(true);
  const others = new HttpAccess({
    allow: ['10.1.0.0/16'],
    token_file: undefined,
    monotonicMs: () => 0,
    onProblem: () => {},
  });
  expect(refused(others.refusal('192.0.2.1', undefined, '192.0.2.1'))).toBe(true);
});

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  `Bearer ${TOKEN}x`,
  `Bearer ${TOKEN.slice(0, -1)}`,
  `Basic ${TOKEN}`,
  TOKEN,
  `Bearer ${TOKEN} x`,
])('anybody else is refused with "%s", and told of both settings', (authorization) => {
  const { access } = opened();
  const refusal = access.refusal('::ffff:192.0.2.1', authorization);
  expect(refusal).toMatch(/^Not allowed from "192.0.2.1": .*"allow" of \[http\].*"token_file"/);
  expect(refusal).not.toContain(TOKEN);
});

test('without a token file no token is good, and a socket that has gone is refused', () => {
  const { access } = opened(undefined);
  const none = new HttpAccess({ allow: [], token_file: undefined, monotonicMs: () => 0, onProblem: () => {} });
  expect(refused(none.refusal('127.0.0.1', 'Bearer undefined'))).toBe(true);
  expect(refused(access.refusal(undefined, undefined))).toBe(true);
});

test('another token in the file counts within a second, and the one before no more', () => {
  const { access, clock, problems } = opened();
  expect(access.refusal('192.0.2.1', `Bearer ${TOKEN}`)).toBeUndefined();
  writeToken('another-token-of-16');
  clock.nowMs += 1000;
  expect(refused(access.refusal('192.0.2.1', `Bearer ${TOKEN}`))).toBe(true);
  expect(access.refusal('192.0.2.1', 'Bearer another-token-of-16')).toBeUndefined();
  expect(problems).toEqual([]);
});

test('the file is read once a second at most, however many ask', () => {
  const { access, clock } = opened();
  expect(access.refusal('192.0.2.1', `Bearer ${TOKEN}`)).toBeUndefined();
  rmSync(file);
  clock.nowMs += 999;
  expect(access.refusal('192.0.2.1', `Bearer ${TOKEN}`)).toBeUndefined();
});

test('a file that is gone lets nobody in, and its owner is told once', () => {
  const { access, clock, problems } = opened();
  rmSync(file);
  for (let second = 0; second < 3; second += 1) {
    expect(refused(access.refusal('192.0.2.1', `Bearer ${TOKEN}`))).toBe(true);
    clock.nowMs += 1000;
  }
  expect(problems).toEqual([expect.stringMatching(/"http.token_file"|http\.token_file.*ENOENT/)]);
});

test.each<[string, () => void, RegExp]>([
  ['can be read by others', () => writeToken(TOKEN, 0o644), /chmod 600/],
  ['can be changed by its group', () => writeToken(TOKEN, 0o620), /chmod 600/],
  ['is empty', () => writeToken('\n'), /one word of 16 characters or more/],
  ['is too short to be no guess', () => writeToken('short'), /one word of 16/],
  ['has two words', () => writeToken(`${TOKEN} ${TOKEN}`), /one word of 16/],
  ['is not there', () => rmSync(file), /can't be read: ENOENT/],
])('a token file that %s is refused by the configuration', (_what, prepare, message) => {
  prepare();
  const problems: string[] = [];
  checkHttpSettings({ allow: [], token_file: file }, (path, problem) => problems.push(`${path.join('.')} ${problem}`));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^http.token_file has the value "/);
  expect(problems[0]).toMatch(message);
  expect(problems[0]).not.toContain(TOKEN);
});

test('a good token file, or none, is no problem', () => {
  const problems: string[] = [];
  for (const token_file of [file, undefined]) {
    checkHttpSettings({ allow: [], token_file }, (_path, problem) => problems.push(problem));
  }
  expect(problems).toEqual([]);
});
