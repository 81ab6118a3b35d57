import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LAUNCHERS, launcherScript, readFlagValues } from './launcher.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const flagValues = readFlagValues(ROOT);

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-launcher-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a launcher with something else in the place of Node, which prints how it was called. */
function launch(path: string, parameters: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const node = join(folder, 'node');
  writeFileSync(node, '#!/bin/sh\nprintf "%s|" "$@"; echo "$NODE_COMPILE_CACHE"\n');
  chmodSync(node, 0o755);
  const launcher = LAUNCHERS.find((candidate) => candidate.path === path)!;
  const script = launcherScript(launcher, flagValues).replace('/usr/lib/cell/node', node);
  const result = spawnSync('sh', ['-c', script, 'launcher', ...parameters], { encoding: 'utf8', env: environment });
  expect(result.stderr).toBe('');
  return result.stdout.trim();
}

test('the agent runs with the flags that it has in development, and passes words on as they are', () => {
  const called = launch('usr/sbin/cell-agent', ['--config', 'a b']);
  expect(called).toBe(
    '--disable-warning=ExperimentalWarning|--disable-sigusr1|--max-semi-space-size=1|--optimize-for-size|' +
      '--no-turbofan|--single-threaded|/usr/lib/cell/agent.mjs|--config|a b|',
  );
});

test.each(LAUNCHERS.map(({ path }) => path))('no signal opens a debugger in %s', (path) => {
  expect(launch(path, [])).toContain('|--disable-sigusr1|');
});

test('a member has other flags than an agent', () => {
  expect(launch('usr/sbin/cell-control-plane', [])).toContain('|--max-semi-space-size=64|');
});

test('cellctl keeps what is compiled in the cache of who calls it, if there is one', () => {
  mkdirSync(join(folder, '.cache'));
  expect(launch('usr/bin/cellctl', [], { HOME: folder })).toMatch(`|${folder}/.cache/cell`);
  expect(launch('usr/bin/cellctl', [], { HOME: folder, NODE_COMPILE_CACHE: '/other' })).toMatch(/\|\/other$/);
  expect(launch('usr/bin/cellctl', [])).toMatch(/cellctl\.mjs\|$/);
});

test('a flag that scripts/runtime.sh does not have is refused', () => {
  expect(() => launcherScript(LAUNCHERS[0]!, new Map())).toThrow('Cannot find "node_flags" in scripts/runtime.sh');
});
