import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/run-tests.ts');

/** Runs the script with a shell script in the place of vitest; `$3` is the project. */
function runWith(vitest: string, words: readonly string[] = []): { exitCode: number | null; lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'cell-run-tests-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'vitest'), `#!/bin/sh\n${vitest}\n`);
  chmodSync(join(folder, 'vitest'), 0o755);
  const environment = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` };
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, ...words], { encoding: 'utf8', env: environment });
  return { exitCode: status, lines: stdout.trimEnd().split('\n') };
}

const COUNTS = `echo "of $3"; printf '%s' "2 passed, 0 failed, 1 skipped" >"$CELL_TEST_COUNTS"`;

test('all tests close with one line over the parts, those of clusters first', () => {
  const { exitCode, lines } = runWith(COUNTS);
  expect(exitCode).toBe(0);
  expect(lines[0]).toBe('of cluster');
  expect(lines[1]).toBe('of pairs');
  expect(lines.slice(2, 4).sort()).toEqual(['of lab', 'of unit']);
  expect(lines.at(-1)).toBe('8 passed, 0 failed, 4 skipped');
});

test('a part that fails fails them all, and the others still run', () => {
  const failing = `if [ "$3" = cluster ]; then printf '1 passed, 1 failed, 0 skipped' >"$CELL_TEST_COUNTS"; exit 1; fi`;
  const { exitCode, lines } = runWith(`${failing}; ${COUNTS}`);
  expect([exitCode, lines.at(-1)]).toEqual([1, '7 passed, 1 failed, 3 skipped']);
});

test('a part that ends before it has counted is a failure, whatever its exit code', () => {
  const { exitCode, lines } = runWith(`if [ "$3" = lab ]; then exit 0; fi; ${COUNTS}`);
  expect([exitCode, lines.at(-1)]).toEqual([1, '6 passed, 1 failed, 3 skipped']);
  expect(lines).toContain('FAIL The tests of "lab" ended with 0 before they had counted');
});

test('words go to one run as they are, which prints its counts itself', () => {
  const { exitCode, lines } = runWith('echo "$@" "<$CELL_TEST_COUNTS>"; exit 3', ['raft/src/core', '-t', 'a b']);
  expect([exitCode, lines]).toEqual([3, ['run raft/src/core -t a b <>']]);
});
