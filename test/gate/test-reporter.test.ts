import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const RUN_TIMEOUT_MS = 60_000;

let root = '';

/** Runs vitest on planted test files, and returns its exit code and its lines without trailing empty ones. */
function run(
  files: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): { exitCode: number | null; lines: string[] } {
  for (const [name, body] of Object.entries(files)) {
    const imports = "import { beforeAll, describe, expect, test } from 'vitest';\n";
    writeFileSync(join(root, name), imports + body);
  }
  const reporter = join(REPOSITORY, 'scripts/test-reporter.ts');
  const command = [join(REPOSITORY, 'node_modules/vitest/vitest.mjs'), 'run', '--root', root, '--reporter', reporter];
  const environment = { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_WORKER_ID: undefined, ...more };
  const result = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
    env: environment,
    timeout: RUN_TIMEOUT_MS,
  });
  return { exitCode: result.status, lines: `${result.stderr}${result.stdout}`.trimEnd().split('\n') };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-reporter-'));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(join(REPOSITORY, 'node_modules/vitest'), join(root, 'node_modules/vitest'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('a run closes with one line over all files, after the reasons for what was skipped', () => {
  const { exitCode, lines } = run({
    'a.test.ts': "test('one', () => {});\ntest('two', () => {});\n",
    'b.test.ts': "test('three', (context) => context.skip('no second disk'));\ntest.skip('four', () => {});\n",
  });
  expect(exitCode).toBe(0);
  expect(lines.filter((line) => /^\d+ passed, \d+ failed/.test(line))).toEqual(['2 passed, 0 failed, 2 skipped']);
  expect(lines.at(-1)).toBe('2 passed, 0 failed, 2 skipped');
  expect(lines).toContain('  b.test.ts > three: no second disk');
  expect(lines).toContain('  b.test.ts > four: no reason given');
});

test('a part of a larger run writes its counts for that one, and leaves them to it alone', () => {
  const file = join(root, 'counts');
  const body = "test('one', () => expect(process.env['CELL_TEST_COUNTS']).toBeUndefined());\n";
  const { lines } = run({ 'a.test.ts': body }, { CELL_TEST_COUNTS: file });
  expect(lines.filter((line) => /^\d+ passed, \d+ failed/.test(line))).toEqual([]);
  expect(readFileSync(file, 'utf8')).toBe('1 passed, 0 failed, 0 skipped');
});

test('failures are told at once, and in full at the end with what they wrote on the console', () => {
  const { exitCode, lines } = run({
    'a.test.ts':
      "test('one', () => {\n  console.log('the port was 7600');\n  expect(1).toBe(2);\n});\ntest('two', () => {});\n",
  });
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  const told = lines.findIndex((line) => line.startsWith('FAIL a.test.ts: 1 passed, 1 failed'));
  expect(lines[told + 1]).toBe('     a.test.ts > one: expected 1 to be 2 // Object.is equality');
  expect(lines.indexOf('FAIL a.test.ts > one')).toBeGreaterThan(told);
  expect(lines).toContain('AssertionError: expected 1 to be 2 // Object.is equality');
  expect(lines).toContain('the port was 7600');
});

test('a file that cannot be loaded, a hook that throws and a stray rejection are failures', () => {
  const { exitCode, lines } = run({
    'a.test.ts': "import './missing.ts';\ntest('one', () => {});\n",
    'b.test.ts':
      "describe('suite', () => {\n  beforeAll(() => {\n    throw new Error('hook');\n  });\n  test('two', () => {});\n});\n",
    'c.test.ts': "test('three', () => {});\nvoid Promise.reject(new Error('stray'));\n",
  });
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('1 passed, 3 failed, 1 skipped');
  expect(lines).toContain('FAIL outside of any test');
});

test('a run in which no test ran fails', () => {
  expect(run({})).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining(['0 passed, 0 failed, 0 skipped']) as string[],
  });
  expect(run({ 'a.test.ts': "test.skip('one', () => {});\n" }).exitCode).toBe(1);
});
