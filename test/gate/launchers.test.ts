import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PRINT =
  'console.log(JSON.stringify([import.meta.filename, process.pid, process.argv.slice(2), process.env.NODE_COMPILE_CACHE]));\n';
const LAUNCHERS = [
  ['cellctl', 'cli'],
  ['cell-agent', 'agent'],
  ['cell-control-plane', 'control-plane'],
] as const;

let root = '';

/** A clone whose main files print how they were called. */
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'cell-launchers-')));
  cpSync(join(REPOSITORY, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(REPOSITORY, 'scripts/runtime.sh'), join(root, 'scripts/runtime.sh'), { recursive: true });
  for (const [, folder] of LAUNCHERS) {
    mkdirSync(join(root, folder, 'src'), { recursive: true });
    writeFileSync(join(root, folder, 'package.json'), '{"type": "module"}');
    writeFileSync(join(root, folder, 'src/main.ts'), `const typed: number = 1;\nvoid typed;\n${PRINT}`);
  }
  mkdirSync(join(root, 'node_modules'));
  mkdirSync(join(root, '.toolchain/node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, '.toolchain/node_modules/.bin/node'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test.each(LAUNCHERS)('%s finds its own place through symbolic links, from any folder', (name, folder) => {
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(join(root, 'bin', name), join(elsewhere, 'first'));
  symlinkSync('first', join(elsewhere, 'second'));
  const result = spawnSync(join(elsewhere, 'second'), ['a b', '--flag'], { cwd: '/', encoding: 'utf8' });
  expect(result.stderr).toBe('');
  const [file, pid, passed] = JSON.parse(result.stdout) as [string, number, string[]];
  expect(file).toBe(join(root, folder, 'src/main.ts'));
  expect(passed).toEqual(['a b', '--flag']);
  expect(pid).toBe(result.pid);
});

test('a launcher keeps the compiled sources of its own clone', () => {
  const environment = { PATH: process.env['PATH'] };
  const result = spawnSync(join(root, 'bin/cellctl'), { encoding: 'utf8', env: environment });
  expect((JSON.parse(result.stdout) as unknown[])[3]).toBe(join(root, '.cache/node-compile'));
  expect(existsSync(join(root, '.cache/node-compile'))).toBe(true);
});

test('a launcher without dependencies says how to get them', () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  const result = spawnSync(join(root, 'bin/cellctl'), { encoding: 'utf8' });
  expect(result.status).toBe(1);
  expect(result.stderr).toBe(`cellctl: Cannot find the dependencies; run "make setup" in "${root}" first\n`);
});

test('a launcher refuses a Node that is too old', () => {
  rmSync(join(root, '.toolchain'), { recursive: true });
  const old = join(root, 'old');
  mkdirSync(old);
  writeFileSync(join(old, 'node'), '#!/bin/sh\necho v20.20.2\n');
  chmodSync(join(old, 'node'), 0o755);
  const result = spawnSync(join(root, 'bin/cell-agent'), { encoding: 'utf8', env: { PATH: `${old}:/usr/bin:/bin` } });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain('Cannot use the Node on the path, which is "v20.20.2", not 24 or later');
});
