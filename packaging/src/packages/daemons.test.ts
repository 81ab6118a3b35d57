import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAEMONS, type Daemon, maintainerScript } from './daemons.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const template = readFileSync(join(ROOT, 'packaging/maintainer-scripts/daemon.postinst'), 'utf8');
const agent = DAEMONS[0];
const member = DAEMONS[1];

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-postinst-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a function of the script after an installation ends with, with this folder in the place of /etc. */
function call(daemon: Daemon, name: string, environment: NodeJS.ProcessEnv = {}): number | null {
  const [functions = ''] = maintainerScript(template, daemon).split('\nif [ "$1" = configure ]');
  const script = functions.replaceAll('/etc/cell/', `${folder}/`).replaceAll('/etc/default/', `${folder}/default-`);
  const result = spawnSync('sh', ['-c', `${script}\nmkdir() { :; }\n${name}`], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...environment },
  });
  expect(result.stderr).toBe('');
  return result.status;
}

test.each(DAEMONS)('nothing in the settings that come with $package makes it start', (daemon) => {
  const name = daemon.config.split('/').at(-1)!;
  const shipped = readFileSync(join(ROOT, 'packaging/files', name), 'utf8');
  writeFileSync(join(folder, name), shipped);
  expect(call(daemon, 'is_configured')).not.toBe(0);
  // One line, and it starts.
  const edited = shipped.replace(/^#(members|control_plane)/m, '$1');
  expect(edited).not.toBe(shipped);
  writeFileSync(join(folder, name), edited);
  expect(call(daemon, 'is_configured')).toBe(0);
});

test('a member whose members are tables is configured, too', () => {
  writeFileSync(join(folder, 'control-plane.toml'), '[[members]]\nid = 1\n');
  expect(call(member, 'is_configured')).toBe(0);
});

test('a file of defaults without the one setting that is needed does not make it start', () => {
  writeFileSync(join(folder, 'default-cell-agent'), 'CELL_LOG_LEVEL=debug\nCELL_CONTROL_PLANE=\n');
  expect(call(agent, 'is_configured')).not.toBe(0);
  writeFileSync(join(folder, 'default-cell-agent'), 'CELL_CONTROL_PLANE=10.0.0.1\n');
  expect(call(agent, 'is_configured')).toBe(0);
});

test('settings of the installation are kept for the unit, and nothing else that the environment has', () => {
  const environment = {
    CELL_CONTROL_PLANE: '10.0.0.1,10.0.0.2',
    CELL_JOIN_TOKEN_FILE: '/etc/cell/join-token',
    SECRET: 'x',
    CELL_TOKEN: 'y',
  };
  expect(call(agent, 'keep_environment', environment)).toBe(0);
  const kept = readFileSync(join(folder, 'default-cell-agent'), 'utf8').trim().split('\n').toSorted();
  expect(kept).toEqual(['CELL_CONTROL_PLANE=10.0.0.1,10.0.0.2', 'CELL_JOIN_TOKEN_FILE=/etc/cell/join-token']);
  expect(statSync(join(folder, 'default-cell-agent')).mode & 0o777).toBe(0o600);
});

test('a file of defaults that is there already wins over the environment', () => {
  writeFileSync(join(folder, 'default-cell-agent'), 'CELL_CONTROL_PLANE=10.0.0.9\n');
  call(agent, 'keep_environment', { CELL_CONTROL_PLANE: '10.0.0.1' });
  expect(readFileSync(join(folder, 'default-cell-agent'), 'utf8')).toBe('CELL_CONTROL_PLANE=10.0.0.9\n');
});

test.each([
  [agent, 'agent/src/config/agent-config.ts'],
  [member, 'control-plane/src/config/member-config.ts'],
] as const)('every variable that $package reads is kept by its installation', (daemon, source) => {
  const text = [source, 'config/src/http-access.ts'].map((file) => readFileSync(join(ROOT, file), 'utf8')).join('');
  const read = [...text.matchAll(/variable: '(CELL_\w+)'/g)].map(([, name]) => name);
  expect(new Set<string | undefined>(daemon.variables)).toEqual(new Set(read));
});

test.each([
  [agent, '/agent.toml, then "systemctl restart cell-agent"'],
  [
    member,
    '/control-plane.toml, then "cell-control-plane init" on the first machine, and "cell-control-plane join" on all others',
  ],
])('a daemon that nobody has configured is not started, and $package says what to do', (daemon, said) => {
  expect(say(daemon, 'systemctl() { :; }\nis_start_allowed() { :; }\nstart')).toContain(said);
});

/** What the script after an installation prints. */
function say(daemon: Daemon, commands: string): string {
  const [functions = ''] = maintainerScript(template, daemon).split('\nif [ "$1" = configure ]');
  const script = functions.replaceAll('/etc/default/', `${folder}/default-`);
  return spawnSync('sh', ['-c', `${script}\n${commands}`], { encoding: 'utf8' }).stdout.trim();
}
