import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const STEPS = `export const steps = [
  { name: 'first', what: 'passes', command: ['node', '-e', ''] },
  { name: 'second', what: 'fails', command: ['node', '-e', 'console.log("the reason"); process.exit(3)'] },
  { name: 'third', what: 'says something', command: ['node', '-e', 'console.log("a figure")'], showsOutput: true },
  { name: 'fourth', what: 'cannot start', command: ['./missing-command'] },
];
`;

let root = '';

function check(...names: string[]): { exitCode: number | null; output: string } {
  const result = spawnSync(process.execPath, [join(root, 'check/main.ts'), ...names], { cwd: root, encoding: 'utf8' });
  return { exitCode: result.status, output: result.stdout + result.stderr };
}

/** The gate with other steps. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-check-'));
  mkdirSync(join(root, 'check'));
  cpSync(join(REPOSITORY, 'scripts/check/main.ts'), join(root, 'check/main.ts'));
  writeFileSync(join(root, 'package.json'), '{"type": "module"}');
  writeFileSync(join(root, 'check/steps.ts'), `export interface Step {}\n${STEPS}`);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('all steps run though some fail, and the last line names those', () => {
  const { exitCode, output } = check();
  expect(exitCode).toBe(1);
  expect(output).toMatch(/^ok {3}first \(\d+\.\d s\): passes$/m);
  expect(output).toMatch(/^FAIL second \(\d+\.\d s\): fails\nthe reason$/m);
  expect(output).toMatch(/^ok {3}third \(\d+\.\d s\): says something\n {7}a figure$/m);
  expect(output).toMatch(/^FAIL fourth /m);
  expect(output.trimEnd().split('\n').at(-1)).toBe('check failed: second, fourth');
});

test('steps can be picked by name', () => {
  expect(check('third', 'first')).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining('check passed: 2 steps') as string,
  });
  expect(check('fifth')).toEqual({
    exitCode: 1,
    output: 'Cannot find the step "fifth"; the steps are first, second, third, fourth\n',
  });
});
