import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PURE_FOLDERS = [
  'raft/src/core',
  'job/src',
  'control-plane/src/model',
  'control-plane/src/state',
  'control-plane/src/plan',
  'agent/src/reconcile',
];

/** What pure code may not do, and a word of what the linter says. */
const IMPURE: readonly (readonly [source: string, said: string])[] = [
  ['Date.now()', "'Date'"],
  ['new Date(0)', "'Date'"],
  ['performance.now()', "'performance'"],
  ['setTimeout(String, 1)', "'setTimeout'"],
  ['setInterval(String, 1)', "'setInterval'"],
  ['setImmediate(String)', "'setImmediate'"],
  ['queueMicrotask(String)', "'queueMicrotask'"],
  ['process.pid', "'process'"],
  ["console.log('planted')", "'console'"],
  ['Math.random()', "'Math.random'"],
  ['crypto.randomUUID()', "'crypto'"],
  ["fetch('http://127.0.0.1')", "'fetch'"],
  ['globalThis.Date', "'globalThis'"],
  ["'a'.localeCompare('b')", "'localeCompare'"],
];

/** What no code may do, and the rule that says so. */
const WRONG: readonly (readonly [name: string, source: string, rule: string])[] = [
  ['floating', 'async function work(): Promise<void> {}\nwork();\n', 'no-floating-promises'],
  ['misused', 'async function work(): Promise<void> {}\n[1].forEach(async () => work());\n', 'no-misused-promises'],
  [
    'switch',
    "export function name(kind: 'a' | 'b'): string {\n  switch (kind) {\n    case 'a':\n      return kind;\n  }\n  return '';\n}\n",
    'switch-exhaustiveness-check',
  ],
  ['unused', 'const unused = 1;\nexport {};\n', 'no-unused-vars'],
];

let root = '';
let output = '';

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-lint-'));
  copyFileSync(join(REPOSITORY, '.oxlintrc.json'), join(root, '.oxlintrc.json'));
  copyFileSync(join(REPOSITORY, 'tsconfig.json'), join(root, 'tsconfig.json'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  const impure = IMPURE.map(([source]) => `  () => ${source},\n`).join('');
  for (const folder of [...PURE_FOLDERS, 'agent/src/health']) {
    write(`${folder}/planted.ts`, `export const planted: (() => unknown)[] = [\n${impure}];\n`);
    write(`${folder}/planted.test.ts`, 'export const now = (): number => Date.now();\n');
  }
  for (const [name, source] of WRONG) write(`sdk/src/${name}.ts`, source);
  const tool = join(REPOSITORY, 'node_modules/oxlint/bin/oxlint');
  const command = [tool, '--type-aware', '--deny-warnings', '--format=unix'];
  output = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' }).stdout;
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test.each(PURE_FOLDERS)('no clock, chance or input and output in %s', (folder) => {
  const lines = output.split('\n').filter((line) => line.startsWith(`${folder}/planted.ts:`));
  for (const [index, [source, said]] of IMPURE.entries()) {
    const found = lines.filter((line) => line.startsWith(`${folder}/planted.ts:${index + 2}:`) && line.includes(said));
    expect(found, `${source} in:\n${output}`).not.toEqual([]);
  }
});

test('tests and code at the edges may read the clock', () => {
  expect(output).not.toContain('planted.test.ts');
  expect(output).not.toContain('agent/src/health');
});

test.each(WRONG)('a planted fault is caught: %s', (name, _source, rule) => {
  expect(output.split('\n').filter((line) => line.includes(`sdk/src/${name}.ts`) && line.includes(rule))).not.toEqual(
    [],
  );
});
