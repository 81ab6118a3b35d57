import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const TOOLS = 'sh env cat cmp cp dirname readlink rm mkdir mv ln sed sort paste basename flock'.split(' ');

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

function setup(...targets: string[]): { exitCode: number | null; output: string } {
  const result = spawnSync(join(root, 'scripts/setup'), targets, {
    encoding: 'utf8',
    env: { PATH: join(root, 'path') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { exitCode: result.status, output: result.stdout + result.stderr };
}

function makeReady(): void {
  mkdirSync(join(root, '.toolchain'), { recursive: true });
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  cpSync(join(root, 'scripts/toolchain/package-lock.json'), join(root, '.toolchain/installed.json'));
  cpSync(join(root, 'package-lock.json'), join(root, 'node_modules/.installed.json'));
}

test('a clone that is ready is left alone, at once and silently', () => {
  makeReady();
  // What takes time: to wait for another set-up, to install, and to start each program once.
  mkdirSync(join(root, 'bin'));
  const slow = ['path/flock', 'path/npm', 'path/mv', 'bin/cellctl', 'bin/cell-agent', 'bin/cell-control-plane'];
  for (const path of slow) {
    rmSync(join(root, path), { force: true });
    writeFileSync(join(root, path), `#!/bin/sh\necho ${path} >>'${root}/started'\n`);
    chmodSync(join(root, path), 0o755);
  }
  expect(setup('check')).toEqual({ exitCode: 0, output: '' });
  expect(existsSync(join(root, 'started'))).toBe(false);
  // So much for a clone that is not.
  writeFileSync(join(root, 'package-lock.json'), '{"changed": true}');
  setup('check');
  expect(readFileSync(join(root, 'started'), 'utf8')).toContain('path/flock\n');
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
