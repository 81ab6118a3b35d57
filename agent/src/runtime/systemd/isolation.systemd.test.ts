// biome-ignore-all lint/suspicious/noTemplateCurlyInString: nothing may fill these in
/** What a run sees of its machine, and what it is kept from: with real units. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import type { RunRequest } from '../../ports.ts';
import type { Isolation, Limits } from '../../reconcile/model.ts';
import { NO_ISOLATION } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';
import { RealUnits } from './testing/real-units.ts';

let units: RealUnits;

beforeEach(async () => {
  units = new RealUnits();
  await units.open();
});
afterEach(() => units.dispose());

const isolated = (change: Partial<Isolation>): Partial<RunRequest> => ({ isolation: { ...NO_ISOLATION, ...change } });
const limited = (change: Partial<Limits>): Partial<RunRequest> =>
  isolated({ limits: { ...NO_ISOLATION.limits, ...change } });

async function needs(capability: string, context: TestContext): Promise<void> {
  const has = await units.runtime.capabilities();
  if (!has.includes(capability)) context.skip(`this machine has no "${capability}"`);
}

test('arguments arrive as they are, whatever is in them', async () => {
  const odd = [
    '',
    ' ',
    "it's",
    '"$HOME" `id` $(id)',
    '\\n',
    '*',
    'a\nb',
    '-n',
    'é☃',
    ';',
    '--',
    '%n %%',
    '$HOME',
    '${HOME}',
    '$',
    '$$',
    'a$b',
    '$$$HOME',
  ];
  await units.start(['sh', '-c', 'for each; do printf "%s|" "$each"; done', 'sh', ...odd]);
  await units.seen('ended');
  expect((await units.output()).split('|').slice(0, -1)).toEqual(odd);
});

test('the environment is what was asked for, and little of systemd', async () => {
  const environment = { PATH: '/usr/bin:/bin', LANG: 'C', EMPTY: '', QUOTE: 'it\'s "so" $HOME \\ %n', LINES: 'a\nb' };
  const { text } = await units.run('printf "%s|%s|" "$QUOTE" "$LINES"; env | cut -d= -f1 | sort | tr "\\n" " "', {
    environment,
  });
  expect(text).toContain('it\'s "so" $HOME \\ %n|a\nb|');
  expect(text.split('|').at(-1)?.trim().split(' ')).toEqual(
    [
      'EMPTY',
      'INVOCATION_ID',
      'JOURNAL_STREAM',
      'LANG',
      'LINES',
      'LOGNAME',
      'PATH',
      'PWD',
      'QUOTE',
      'USER',
      'b',
    ].toSorted(),
  );
});

test.each(['default', 'strict', 'none'] as const)('sandbox "%s": a folder of its own to write to', async (sandbox) => {
  const script = 'pwd | sed s:/private::; touch here && ls; stat -c %a .';
  const { text } = await units.run(script, isolated({ sandbox }));
  expect(text).toBe(`/var/lib/cell-jobs/allocations/${units.id}\nhere\n700\n`);
  // It stays for the next run, and goes with the allocation.
  expect((await units.run('ls', { ...isolated({ sandbox }), run: 2 })).text).toBe(`${text}here\n`);
  await units.runtime.remove(units.id);
  for (const root of ['/var/lib', '/var/lib/private']) {
    expect(existsSync(join(root, 'cell-jobs/allocations', units.id))).toBe(false);
  }
});

test.each([
  ['service', 'default', '', /^6\d{4} 1$/],
  ['service', 'none', '', /^0 0$/],
  ['service', 'none', 'dynamic', /^6\d{4} 1$/],
  ['service', 'default', 'nobody', /^65534 1$/],
  ['service', 'none', 'nobody', /^65534 0$/],
] as const)('a %s with sandbox "%s" and user "%s" has the right ones', async (jobType, sandbox, user, expected) => {
  const dynamicUser = user === 'dynamic';
  const change = { ...isolated({ jobType, sandbox, dynamicUser }), user: dynamicUser ? '' : user };
  const { text } = await units.run('echo "$(id -u) $(grep NoNewPrivs /proc/self/status | cut -f2)"', change);
  expect(text.trim()).toMatch(expected);
});

test.each([
  ['a service', { jobType: 'service' }],
  ['a batch job', { jobType: 'batch' }],
  ['a service that wants it strict', { sandbox: 'strict' }],
] as const)('%s of root can read and write nothing of Cell, and nothing of the system', async (_, change) => {
  mkdirSync('/etc/cell', { recursive: true });
  writeFileSync('/etc/cell/probe', 'treasure');
  writeFileSync(join(units.secrets, 'mine'), 'treasure');
  const script = `cat /etc/cell/probe ${units.secrets}/mine ${units.notes}/*/run.json 2>&1 | grep -c -e treasure -e bootId
for place in /etc /usr /boot; do touch $place/x 2>/dev/null && echo "wrote $place"; done
echo 1 2>/dev/null >/proc/sys/kernel/printk && echo changed
true`;
  const { text, ended } = await units.run(script, { ...isolated(change), user: 'root' });
  expect(text).toBe('0\n');
  expect(ended.exitCode).toBe(0);
});

test('a batch job has no capabilities, few system calls, no homes and no devices', async () => {
  const script = `grep -E 'CapBnd|^Seccomp:' /proc/self/status | tr -s '\\t\\n' '  '; echo; ls /home /root 2>&1 | wc -l; ls /dev
unshare --user true 2>&1 | grep -c 'not permitted'; ls -d /proc/1 2>&1 | grep -c cannot`;
  const { text } = await units.run(script, isolated({ jobType: 'batch' }));
  expect(text).toMatch(/^CapBnd: 0+ Seccomp: 2$/m);
  expect(text).not.toContain('net/tun');
  expect(text.trim().split('\n').slice(-2)).toEqual(['1', '1']);
});

test.each<[string, Partial<Limits>, string, string]>([
  ['limit.files-max', { filesMax: 77 }, 'ulimit -n; ulimit -Hn', '77\n77\n'],
  ['limit.tasks-max', { tasksMax: 5 }, '(for i in 1 2 3 4 5 6 7 8; do sleep 5 & done) 2>&1 | grep -c fork', '1\n'],
])('%s is enforced', async (capability, limits, script, expected) => {
  const has = await units.runtime.capabilities();
  if (has.includes(capability)) expect((await units.run(script, limited(limits))).text).toContain(expected);
});

test('what uses more memory than it may is killed, and says so; its neighbour runs on', async (context) => {
  await needs('limit.memory-max', context);
  await units.start(['tail', '/dev/zero'], limited({ memoryMaxMib: 64 }));
  const ended = await units.seen('ended');
  expect(ended).toMatchObject({
    exitCode: 137,
    message: 'Was killed for lack of memory: it has limits.memory_max of 64 MiB',
  });
  const { ended: quiet } = await units.run('exit 3', { ...limited({ memoryMaxMib: 64 }), run: 2 });
  expect(quiet).toEqual({ state: 'ended', exitCode: 3, cannotRun: '', message: '' });
  await units.start(['sh', '-c', 'kill -9 $$'], { ...limited({ memoryMaxMib: 64 }), run: 3 });
  expect(await units.seen('ended', 3)).toMatchObject({ exitCode: 137, message: '' });
});

test('secrets come as credentials and as environment, from files that only root can read', async () => {
  writeFileSync(join(units.secrets, 'token'), 's3cr3t', { mode: 0o600 });
  writeFileSync(join(units.secrets, 'database.env'), 'PASSWORD="pass word"\n', { mode: 0o600 });
  const change = isolated({ credentials: { api: 'token' }, environmentFiles: ['database.env'] });
  const { text } = await units.run('echo "$(cat "$CREDENTIALS_DIRECTORY/api") $PASSWORD"', change);
  expect(text).toBe('s3cr3t pass word\n');
  expect(execFileSync('systemctl', ['show', units.unit], { encoding: 'utf8' })).not.toContain('s3cr3t');
});

test("the fleet's secrets come as credentials too, beside those of the node", async () => {
  const secretsFolder = join(units.secrets, 'of-allocation');
  mkdirSync(secretsFolder, { mode: 0o700 });
  writeFileSync(join(secretsFolder, 'password'), 'fl33t', { mode: 0o600 });
  writeFileSync(join(units.secrets, 'token'), 's3cr3t', { mode: 0o600 });
  const change = { ...isolated({ credentials: { api: 'token' }, secrets: { password: 'database' } }), secretsFolder };
  const { text } = await units.run('cd "$CREDENTIALS_DIRECTORY" && echo $(cat api password)', change);
  expect(text).toBe('s3cr3tfl33t\n');
  const shown = execFileSync('systemctl', ['show', units.unit], { encoding: 'utf8' });
  expect(shown).not.toContain('fl33t');
});

test('folders of a job outlive its allocations, each under its own variable', async () => {
  const change = { ...isolated({ directories: ['state', 'cache', 'logs'] }), jobName: `j${units.id}`, instance: 2 };
  const script = 'echo "$STATE_DIRECTORY $CACHE_DIRECTORY $LOGS_DIRECTORY"; echo kept >"$STATE_DIRECTORY/file"';
  const folder = `cell-jobs/j${units.id}-2`;
  expect((await units.run(script, change)).text).toBe(`/var/lib/${folder} /var/cache/${folder} /var/log/${folder}\n`);
  await units.runtime.remove(units.id);
  const { text } = await units.run('cat "$STATE_DIRECTORY/file"', { ...change, isolation: change.isolation! });
  expect(text).toContain('kept\n');
  for (const root of ['lib', 'cache', 'log'])
    execFileSync('rm', ['-rf', `/var/${root}/${folder}`, `/var/${root}/private/${folder}`]);
});

test('a private network is nothing but a loopback interface of its own', async (context) => {
  await needs('network.private', context);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    const network = { ...NO_ISOLATION.network, private: true };
    const script = `tail -n +3 /proc/net/dev | cut -d: -f1; timeout 2 bash -c '</dev/tcp/127.0.0.1/${port}' || echo not`;
    const { text } = await units.run(script, isolated({ network }));
    // systemd may add that it could not set up the loopback interface, in a container.
    expect(text).toMatch(/^ *lo$/m);
    expect(text).not.toMatch(/eth|veth/);
    expect(text).toMatch(/^not$/m);
  } finally {
    server.close();
  }
});

test('a denied address can not be reached, an allowed one can', async (context) => {
  await needs('network.addresses', context);
  const servers = ['127.0.0.1', '127.0.0.2'].map((host) => createServer((socket) => socket.end()).listen(0, host));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const [allowed, denied] = servers.map((server) => (server.address() as { port: number }).port);
  try {
    const network = { private: false, deny: ['any'], allow: ['127.0.0.1'] };
    // What is allowed comes about also on a machine that has much else to do; what is denied never answers.
    const reach = (host: string, port: number | undefined, seconds: number): string =>
      `timeout ${seconds} bash -c '</dev/tcp/${host}/${port}' 2>/dev/null && echo "${host} reached" || echo "${host} not"`;
    const script = `${reach('127.0.0.1', allowed, 15)}; ${reach('127.0.0.2', denied, 2)}`;
    expect((await units.run(script, isolated({ network }))).text).toBe('127.0.0.1 reached\n127.0.0.2 not\n');
  } finally {
    for (const server of servers) server.close();
  }
});

test.each<[string, string[], Partial<RunRequest>, string]>([
  ['that is not there', ['nonesuch'], {}, 'Could not find the command "nonesuch" in PATH "/usr/bin:/bin"'],
  ['whose file is not there', ['/nonesuch/x'], {}, 'Could not find the command "/nonesuch/x"'],
  ['that is a folder', ['/usr'], {}, 'Could not run the command "/usr": it is not a file'],
  ['that may not be executed', ['/etc/passwd'], {}, 'Could not run the command "/etc/passwd": it may not be executed'],
  [
    'in a folder that is not there',
    ['true'],
    { workingDirectory: '/nonesuch' },
    'Could not enter the working directory; create it, let the user in, or change "working_directory" (systemd\'s status 200)',
  ],
  [
    'of a user that is not there',
    ['true'],
    { user: 'nonesuch' },
    'Could not find or change to the user on this node; create it, or change "user" (systemd\'s status 217)',
  ],
  [
    'with a variable that has no name',
    ['true'],
    { environment: { 'a.b': '' } },
    'Could not set the environment variable "a.b": names are letters, digits and "_", values are without control characters',
  ],
  ['with the id of no allocation', ['true'], { id: '../x' }, 'Could not use "../x" as the id of an allocation'],
  [
    'with a network that is none',
    ['true'],
    isolated({ network: { private: false, deny: ['nowhere'], allow: [] } }),
    'Could not read "nowhere" as a range of network addresses',
  ],
])('a command %s is refused with the reason', async (_, command, change, expected) => {
  expect(await units.refusal(command, change)).toBe(`CELL_E_CANNOT_RUN: ${expected}`);
  await until(
    () => !execFileSync('systemctl', ['list-units', '--all', '--plain', '--no-legend', units.unit]).length || undefined,
  );
});

test('a command that misses a secret is refused with the reason', async () => {
  const change = isolated({ credentials: { api: 'token' } });
  expect(await units.refusal(['true'], change)).toBe(
    `CELL_E_CANNOT_RUN: Could not find the secret "token" of this node; put it into "${units.secrets}", readable by root only`,
  );
});

test('a device that is asked for can be used, by a user that systemd made up too', async (context) => {
  const device = '/dev/net/tun';
  if (!existsSync(device)) context.skip(`this machine has no ${device}`);
  chmodSync(device, 0o660);
  execFileSync('chgrp', ['daemon', device]);
  const script = `test -r ${device} && test -w ${device} && echo usable`;
  expect(statSync(device).gid).toBeGreaterThan(0);
  expect((await units.run(script, isolated({ devices: [`${device}:rw`] }))).text).toBe('usable\n');
  expect((await units.run(`${script}; exit 0`, { ...isolated({ jobType: 'batch' }), run: 2 })).text).toBe('usable\n');
});

test('what was started can be loaded anew by systemd and is what it was', async () => {
  writeFileSync(join(units.secrets, 'token'), 's', { mode: 0o600 });
  const limits = {
    memoryMaxMib: 64,
    memoryHighMib: 32,
    cpuMaxMillis: 500,
    cpuWeight: 50,
    ioWeight: 50,
    tasksMax: 50,
    filesMax: 99,
  };
  const isolation: Isolation = {
    jobType: 'batch',
    sandbox: 'default',
    dynamicUser: true,
    limits,
    network: { private: true, deny: ['any'], allow: ['localhost', '10.0.0.0/8', 'fe80::/64'] },
    directories: ['state', 'cache', 'logs'],
    credentials: { api: 'token' },
    environmentFiles: ['token'],
    devices: ['/dev/null:rw'],
  };
  await units.start(['sh', '-c', 'exec sleep "$0" # $HOME %n', '1000'], {
    isolation,
    environment: { A: 'b c\n"%n$', PATH: '/usr/bin:/bin' },
  });
  execFileSync('systemctl', ['daemon-reload']);
  expect(execFileSync('systemctl', ['show', '--property=LoadState', '--value', units.unit], { encoding: 'utf8' })).toBe(
    'loaded\n',
  );
});
