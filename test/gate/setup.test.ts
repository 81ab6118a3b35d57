import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const TOOLS = 'sh env cat cmp cp dirname readlink rm mkdir mv ln sed sort paste basename flock'.split(' ');
const READY_MS_MAX = 300;

let root = '';

/** A clone, and a path that holds no npm and no sudo, on which everybody is user 1000. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-setup-'));
  cpSync(join(REPOSITORY, 'scripts'), join(root, 'scripts'), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), '{}');
  mkdirSync(join(root, 'path'));
  for (const tool of TOOLS) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
      join(root, 'path', tool),
    );
  }
  writeCommand('id', 'echo 1000');
  writeCommand('apt-get', 'echo "apt-get $*"');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function writeCommand(name: string, body: string): void {
  writeFileSync(join(root, 'path', name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(root, 'path', name), 0o755);
}

function setup(...targets: string[]): { exitCode: number | null; output: string; elapsedMs: number } {
  const startedMs = performance.now();
  const result = spawnSync(join(root, 'scripts/setup'), targets, {
    encoding: 'utf8',
    env: { PATH: join(root, 'path') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { exitCode: result.status, output: result.stdout + result.stderr, elapsedMs: performance.now() - startedMs };
}

function makeReady(): void {
  mkdirSync(join(root, '.toolchain'), { recursive: true });
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  cpSync(join(root, 'scripts/toolchain/package-lock.json'), join(root, '.toolchain/installed.json'));
  cpSync(join(root, 'package-lock.json'), join(root, 'node_modules/.installed.json'));
}

test('a clone that is ready is left alone, at once and silently', () => {
  makeReady();
  const { exitCode, output, elapsedMs } = setup('check');
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: '' });
  expect(elapsedMs).toBeLessThan(READY_MS_MAX);
});

test('without npm, root and sudo, the one command that is missing is printed', () => {
  const { exitCode, output } = setup();
  expect(exitCode).toBe(1);
  expect(output).toBe(
    'setup: Cannot install Debian packages without root; run this, then try again: ' +
      "su -c 'apt-get update && apt-get install -y --no-install-recommends npm'\n",
  );
});

test('with sudo, npm is installed from Debian, and said', () => {
  writeCommand('sudo', '[ "$1" = -n ] || { [ "$1" = env ] && shift 2; "$@"; }');
  const npm = join(root, 'path/npm');
  writeCommand(
    'apt-get',
    `[ "$1" = update ] || { printf '#!/bin/sh\\nexit 9\\n' >${npm}; PATH=/bin:/usr/bin chmod +x ${npm}; }`,
  );
  const { exitCode, output } = setup();
  expect(output).toContain('setup: installing from Debian (this may take minutes): npm\n');
  expect(output).toMatch(/^setup: installing from npm into \.toolchain\/: node 24\.\d+\.\d+, npm \d+\.\d+\.\d+$/m);
  expect(exitCode).toBe(9);
});

test('a target gets the Debian packages that it lacks', () => {
  makeReady();
  writeFileSync(join(root, 'scripts/debian-packages.txt'), 'demo planted-package planted-command\ndemo coreutils cp\n');
  expect(setup('check')).toMatchObject({ exitCode: 0, output: '' });
  expect(setup('demo').output).toContain("apt-get install -y --no-install-recommends planted-package'");
});

test('what is not the same as when it was installed is installed again', () => {
  makeReady();
  writeFileSync(join(root, 'package-lock.json'), '{"changed": true}');
  const { exitCode, output } = setup();
  expect(output).toContain('setup: installing the dependencies of package-lock.json');
  expect(exitCode).not.toBe(0);
});
