/** What workloads that mean harm try, other users of the machine, and those who may submit jobs: with real units. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunRequest } from '../../ports.ts';
import { NO_ISOLATION, runRequest } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';
import { RealUnits } from './testing/real-units.ts';
import { unitPath } from './unit-name.ts';

let units: RealUnits;

beforeEach(async () => {
  units = new RealUnits();
  await units.open();
});
afterEach(() => units.dispose());

function output(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: 'utf8' }).trim();
}

/** As any user of the machine may: to this process alone. */
function signalAsNobody(path: string, iface: string, member: string, ...body: string[]): void {
  const connections = output('busctl', 'list', '--unique', '--no-legend')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, pid]) => pid === `${process.pid}`);
  expect(connections.length).toBeGreaterThan(0);
  for (const [name] of connections) {
    const emit = ['busctl', 'emit', `--destination=${name}`, path, iface, member, ...body];
    execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--', ...emit]);
  }
}

test('nobody but systemd is believed how a run is', async () => {
  await units.start(['sleep', '1000']);
  await units.seen('running');
  const path = unitPath(units.unit);
  const [properties, service] = ['org.freedesktop.DBus.Properties', 'org.freedesktop.systemd1.Service'];
  const ended = ['ExecMainCode', 'i', '1', 'ExecMainStartTimestampMonotonic', 't', `${2n ** 62n}`];
  signalAsNobody(path, properties, 'PropertiesChanged', 's', service);
  signalAsNobody(path, properties, 'PropertiesChanged', 'sa{sv}as', service, '2', ...ended, '0');
  // What systemd tells comes over the same connection, after both.
  await units.runtime.signal(units.id, 'SIGUSR1');
  expect((await units.seen('ended')).exitCode).toBe(138);
});

const SETTING = 'ExecStopPost=+/bin/touch /run/cell-was-here';
test.each<[string, string, Partial<RunRequest>]>([
  ['PATH', 'sleep', { environment: { PATH: `/usr/bin:/x\n${SETTING}` } }],
  ['PATH that takes the next line along', 'sleep', { environment: { PATH: '/usr/bin:/x\\' } }],
  ['the working directory', 'sleep', { workingDirectory: `/var/tmp\n${SETTING}` }],
  ['the working directory in its own line', 'sleep', { workingDirectory: '/var/tmp/\\' }],
  ['the name of the program', '+sleep', {}],
])(
  '%s can not say more to systemd than what it is for, also when that loads its units anew',
  async (_, name, change) => {
    const folder = join(units.folder, 'bin');
    mkdirSync(folder);
    writeFileSync(join(folder, '+sleep'), '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    const environment = { PATH: `${folder}:/usr/bin:/bin` };
    expect(await units.refusal([name, '1000'], { environment, ...change })).toMatch(
      /^CELL_E_CANNOT_RUN: Could not .*: (it must be without control characters|for a name like this say the whole path)/,
    );
    expect(output('systemctl', 'list-units', '--all', '--plain', '--no-legend', units.unit)).toBe('');
  },
);

test('a workload that makes a world of its own is not entered: its programs would be run as root', async () => {
  // In the place of what a helper runs in it. What it writes belongs to whom it was run as.
  const script = `
    printf '#!/bin/sh\\necho x >/tmp/caught\\n' >/tmp/evil && chmod 755 /tmp/evil
    mount --bind /tmp/evil /usr/bin/setpriv && exec sleep 1000`;
  await units.start(['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script]);
  const root = `/proc/${output('systemctl', 'show', '-P', 'MainPID', units.unit)}/root`;
  await until(() => readFileSync(`${root}/usr/bin/setpriv`, 'latin1').startsWith('#!/bin/sh') || undefined);
  const beside = await units.runtime.runBeside(runRequest({ id: units.id, command: ['true'] }), 10_000);
  expect(beside).toEqual({ exitCode: undefined, output: expect.stringContaining('user namespace') });
  expect(existsSync(`${root}/tmp/caught`)).toBe(false);
});

/** ptrace(2). */
const PTRACE = process.arch === 'arm64' ? 117 : 101;
test.each([
  ['make namespaces', 'unshare --user --map-root-user true'],
  ['trace processes', `perl -e 'exit(syscall(${PTRACE}, 0, 0, 0, 0) == 0 ? 0 : 1)'`],
  ['make programs that change the user', 'cp /bin/true . && chmod u+s true'],
])('a command in a strict run can not %s, as the run can not', async (_, script) => {
  await units.start(['sleep', '1000'], { isolation: { ...NO_ISOLATION, sandbox: 'strict' } });
  const tried = runRequest({
    id: units.id,
    command: ['sh', '-c', `{ ${script}; } 2>/dev/null && echo done || echo kept`],
  });
  expect(await units.runtime.runBeside(tried, 10_000)).toEqual({ exitCode: 0, output: 'kept' });
});

test('a command at a terminal works in a strict run', async () => {
  await units.start(['sleep', '1000'], { isolation: { ...NO_ISOLATION, sandbox: 'strict' } });
  const terminal = { type: 'xterm', columns: 91, rows: 27 };
  const command = ['sh', '-c', 'stty size; tty; id -u'];
  const request = { id: units.id, run: 1, command, environment: {}, terminal };
  async function* nothing(): AsyncIterable<never> {}
  let text = '';
  for await (const written of units.runtime.exec(request, nothing(), new AbortController().signal)) {
    text += written.type === 'exit' ? `exit ${written.exitCode}` : Buffer.from(written.data).toString();
  }
  expect(text).toMatch(/^27 91\s+\S+\s+[1-9]\d+\s+exit 0$/);
});

test.each(['', 'root'])('a strict run of user "%s" can ask nobody to do what it may not', async (user) => {
  const isolation = { ...NO_ISOLATION, sandbox: 'strict' } as const;
  const script = `systemd-run --quiet --wait --pipe true 2>/dev/null && echo escaped
    busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Environment \
      >/dev/null 2>&1 && echo told
    echo done`;
  const { text } = await units.run(script, { isolation, user });
  expect(text).toBe('done\n');
});
