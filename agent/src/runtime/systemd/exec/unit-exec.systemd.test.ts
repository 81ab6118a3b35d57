/** Commands in units, with a real systemd. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, onTestFinished, test } from 'vitest';
import type { BesideResult, ExecInput, ExecRequest } from '../../../ports.ts';
import { realClock } from '../../../real-clock.ts';
import { runRequest } from '../../../testing/run-request.ts';
import { until } from '../../../testing/until.ts';
import { SystemdManager } from '../systemd-manager.ts';
import type { EnteredUnit } from './helper-unit.ts';
import { UnitExec } from './unit-exec.ts';

const FOLDER = '/run/cell-exec-test';
const UNIT = 'cell-test-exec.service';
let manager: SystemdManager;
let exec: UnitExec;

beforeAll(async () => {
  manager = await SystemdManager.open({ clock: realClock });
  exec = await UnitExec.open({ manager, folder: FOLDER, locate });
});
afterAll(async () => {
  systemctl('stop', UNIT);
  await manager?.close();
});
beforeEach(() => {
  onTestFinished(() => {
    systemctl('kill', '--signal=KILL', UNIT);
    systemctl('stop', UNIT);
    expect(readdirSync(FOLDER)).toEqual([]);
  });
});

/** What it says; empty if it fails. */
function systemctl(...words: string[]): string {
  return spawnSync('systemctl', ['--quiet', ...words], { encoding: 'utf8' }).stdout.trim();
}

/** Starts a unit to be entered. */
function runUnit(properties: readonly string[] = [], command: readonly string[] = ['sleep', '1000']): void {
  const options = properties.flatMap((property) => ['-p', property]);
  execFileSync('systemd-run', [
    '--quiet',
    `--unit=${UNIT}`,
    '--slice=cell.slice',
    '--service-type=exec',
    '--collect',
    ...options,
    ...command,
  ]);
}

async function locate(): Promise<EnteredUnit | undefined> {
  const state = await manager.unit(UNIT);
  if (state === undefined) return undefined;
  return { ...state, mainPid: state.main.mainPid, workingDirectory: '/' };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

interface How extends Partial<Omit<ExecRequest, 'command'>> {
  readonly input?: AsyncIterable<ExecInput>;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

async function run(command: readonly string[], how: How = {}): Promise<Ended> {
  const { input = sending(''), signal = new AbortController().signal, onOutput = () => undefined, ...rest } = how;
  const request: ExecRequest = { id: 'a', run: 1, command, environment: {}, terminal: undefined, ...rest };
  const texts = { stdout: '', stderr: '' };
  let exitCode: number | undefined;
  for await (const output of exec.exec(request, input, signal)) {
    expect(exitCode).toBeUndefined();
    if (output.type === 'exit') {
      exitCode = output.exitCode;
      continue;
    }
    texts[output.type] += Buffer.from(output.data).toString('latin1');
    onOutput(texts.stdout);
  }
  return { ...texts, exitCode };
}

async function* sending(...texts: string[]): AsyncIterable<ExecInput> {
  for (const text of texts) yield await Promise.resolve({ type: 'data', data: Buffer.from(text) });
  yield { type: 'end' };
}

const shell = (script: string): string[] => ['sh', '-c', script];

test('a command reads, writes to both outputs, and its exit code is told', async () => {
  runUnit();
  const ended = await run(shell('cat; echo problem >&2; exit 7'), { input: sending('one\n', 'two\n') });
  expect(ended).toEqual({ stdout: 'one\ntwo\n', stderr: 'problem\n', exitCode: 7 });
});

test.each([
  [['true'], 0],
  [shell('kill -9 $$'), 137],
  [shell('kill -INT $$; sleep 1000'), 130],
  [['no-such-command'], 127],
  [['/etc/passwd'], 126],
])('%j ends with %i, as in a shell', async (command, exitCode) => {
  runUnit();
  expect((await run(command)).exitCode).toBe(exitCode);
});

test('a command is in the cgroup of the unit, has its environment and its folder', async () => {
  runUnit(['Environment=COLOUR=red', 'Environment=TWO="a  b"']);
  const script = 'cat /proc/self/cgroup; pwd; echo "$COLOUR,$TWO,$EXTRA,$INVOCATION_ID"; env | grep -c CELL_EXEC';
  const { stdout } = await run(shell(script), { environment: { EXTRA: 'e' } });
  const invocation = systemctl('show', '-P', 'InvocationID', UNIT);
  const lines = stdout.trim().split('\n');
  expect(lines.slice(-3)).toEqual(['/', `red,a  b,e,${invocation}`, '0']);
  expect(lines.some((line) => line.includes(`/cell.slice/${UNIT}/cell-exec-`))).toBe(true);
  const main = readFileSync(`/proc/${systemctl('show', '-P', 'MainPID', UNIT)}/cgroup`, 'utf8');
  const short = (text: string): string => text.replaceAll(/\/cell-exec-\S+/g, '').trim();
  expect(short(lines.slice(0, -3).join('\n'))).toBe(short(main));
});

const STRICT = [
  ...'DynamicUser=yes ProtectSystem=strict PrivateDevices=yes PrivateTmp=yes NoNewPrivileges=yes PrivateUsers=yes'.split(
    ' ',
  ),
  ...'CapabilityBoundingSet= ProtectHostname=yes ProtectProc=invisible UMask=0027'.split(' '),
];
const IDENTITY = 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Umask)" /proc/self/status';
const NAMESPACES = 'for each in user mnt uts ipc net pid; do readlink /proc/self/ns/$each; done';

test.each<[string, readonly string[]]>([
  ['the sandbox of a strict job', STRICT],
  [
    'a user with one capability',
    ['User=daemon', 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_KILL', 'AmbientCapabilities=CAP_NET_BIND_SERVICE'],
  ],
  ['a user with more groups', ['User=daemon', 'SupplementaryGroups=adm video']],
  ['root with all its rights', []],
])('a command can do what its unit can and nothing more: %s', async (_what, properties) => {
  runUnit(properties, shell(`exec >/dev/null 2>&1; sleep 1000`));
  const main = systemctl('show', '-P', 'MainPID', UNIT);
  const identity = execFileSync('sh', ['-c', IDENTITY.replace('self', main)], { encoding: 'utf8' });
  const namespaces = execFileSync('sh', ['-c', NAMESPACES.replace('self', main)], { encoding: 'utf8' });
  const { stdout } = await run(shell(`${IDENTITY}; ${NAMESPACES}`));
  expect(stdout).toBe(identity + namespaces);
});

test('what a sandbox keeps a workload from, it keeps a command from', async () => {
  runUnit(STRICT);
  const { stdout, stderr } = await run(
    shell('echo x >/etc/cell-test || echo read-only; ls /tmp | wc -l; cat /etc/shadow'),
  );
  expect(stdout).toBe('read-only\n0\n');
  expect(stderr).toContain('/etc/shadow');
});

test('nothing that a workload puts into its environment is used with more rights than it has', async () => {
  // Were these read by root: a shell that runs a file of the workload's choice.
  runUnit(['User=daemon', 'Environment=BASH_ENV=/tmp/cell-test-trap ENV=/tmp/cell-test-trap PATH=/tmp:/usr/bin:/bin']);
  const trap = '/tmp/cell-test-trap';
  execFileSync('sh', [
    '-c',
    `echo 'id -u >>/tmp/cell-test-caught; chmod 666 /tmp/cell-test-caught' >${trap}; rm -f /tmp/cell-test-caught`,
  ]);
  onTestFinished(() => void execFileSync('rm', ['-f', trap, '/tmp/cell-test-caught']));
  expect((await run(['bash', '-c', 'id -u'])).stdout).toBe('1\n');
  expect(readFileSync('/tmp/cell-test-caught', 'utf8')).toBe('1\n');
});

test('much is read and written at the pace of the slower side, and nothing is lost', async () => {
  runUnit();
  const bytes = 8 * 1024 * 1024;
  let sent = 0;
  async function* input(): AsyncIterable<ExecInput> {
    for (; sent < bytes; sent += 65_536) yield await Promise.resolve({ type: 'data', data: Buffer.alloc(65_536, 120) });
    yield { type: 'end' };
  }
  const gone = new AbortController().signal;
  const request: ExecRequest = { id: 'a', run: 1, command: ['cat'], environment: {}, terminal: undefined };
  let received = 0;
  for await (const output of exec.exec(request, input(), gone)) {
    if (output.type === 'exit') expect(output.exitCode).toBe(0);
    else received += output.data.length;
    if (received < 65_537) {
      // Nobody takes more: what is sent has to stop.
      let before = -1;
      await until(() => {
        const still = before === sent;
        before = sent;
        return still || undefined;
      });
      expect(sent).toBeLessThan(bytes / 2);
    }
  }
  expect(received).toBe(bytes);
});

function processesOf(marker: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && `\0${readFileSync(`/proc/${name}/environ`, 'latin1')}`.includes(`\0${marker}\0`);
    } catch {
      return false;
    }
  }).length;
}

/** Writes "ready", and leaves processes in other sessions that don't listen to SIGHUP. */
const CLINGING = shell(
  'trap "" HUP; setsid sleep 1000 & setsid sh -c "trap \\"\\" HUP; sleep 1000" & echo ready; wait',
);

test('nothing is left of a command that nobody wants any more', async () => {
  runUnit();
  const gone = new AbortController();
  const ended = run(CLINGING, {
    environment: { MARKER: 'abandoned' },
    signal: gone.signal,
    onOutput: () => gone.abort(),
    input: endless(),
  });
  expect((await ended).exitCode).toBeUndefined();
  await until(() => processesOf('MARKER=abandoned') === 0 || undefined);
  await until(() => systemctl('list-units', '--all', '--no-legend', 'cell-exec-*') === '' || undefined);
  expect(systemctl('show', '-P', 'ActiveState', UNIT)).toBe('active');
});

async function* endless(): AsyncIterable<ExecInput> {
  await Promise.withResolvers<void>().promise;
  yield { type: 'end' };
}

test('nothing is left of what a command leaves behind when it ends', async () => {
  runUnit();
  const { exitCode } = await run(shell('setsid sleep 1000 & exit 5'), { environment: { MARKER: 'left' } });
  expect(exitCode).toBe(5);
  expect(processesOf('MARKER=left')).toBe(0);
});

test('a command ends with the run that it is in', async () => {
  runUnit();
  const { exitCode } = await run(shell('echo ready; sleep 1000'), { onOutput: () => void systemctl('stop', UNIT) });
  expect(exitCode).toBeGreaterThan(128);
});

test('an interactive shell, which is deaf to SIGTERM, does not hold up the end of the run that it is in', async () => {
  runUnit();
  const typist = new Typist();
  const terminal = { type: 'xterm', columns: 80, rows: 24 };
  const ended = run(INTERACTIVE, {
    terminal,
    input: typist.input(),
    onOutput: (text) => typist.show(text),
  });
  typist.type('echo $((6 * 7))\r');
  await typist.seen(/42/);
  const before = performance.now();
  systemctl('stop', UNIT);
  // systemd itself would wait for 90 seconds.
  expect(performance.now() - before).toBeLessThan(45_000);
  expect((await ended).exitCode).toBeGreaterThan(128);
});

test('a process that only has the number of the main process is not entered', async () => {
  runUnit();
  const other = spawn('sleep', ['1000']);
  onTestFinished(() => void other.kill());
  const wrong = await UnitExec.open({
    manager,
    folder: `${FOLDER}-wrong`,
    locate: async () => ({ ...(await locate())!, mainPid: other.pid! }),
  });
  const request: ExecRequest = { id: 'a', run: 1, command: ['true'], environment: {}, terminal: undefined };
  const read = async (): Promise<void> => {
    for await (const _output of wrong.exec(request, sending(), new AbortController().signal));
  };
  await expect(read()).rejects.toMatchObject({
    code: 'CELL_E_CANNOT_RUN',
    message: expect.stringContaining('main process has ended'),
  });
  expect(readdirSync(`${FOLDER}-wrong`)).toEqual([]);
});

test('what does not run can not be entered, and no more than eight commands run in an allocation', async () => {
  await expect(run(['true'])).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
  runUnit();
  const gone = new AbortController();
  const eight = Array.from({ length: 8 }, () => run(['sleep', '1000'], { signal: gone.signal, input: endless() }));
  // Some have been started and some not, when they are let go.
  await expect(run(['true'])).rejects.toMatchObject({
    code: 'CELL_E_CANNOT_RUN',
    message: expect.stringContaining('8 run there'),
  });
  gone.abort();
  await Promise.all(eight);
  expect((await run(['true'])).exitCode).toBe(0);
});

const INTERACTIVE = ['bash', '--norc', '--noediting', '-i'];

/** Says what is on the screen and types. */
class Typist {
  readonly #waiting: ExecInput[] = [];
  #wake: () => void = () => undefined;
  screen = '';

  show(screen: string): void {
    this.screen = screen;
  }

  say(input: ExecInput): void {
    this.#waiting.push(input);
    this.#wake();
  }

  type(text: string): void {
    this.say({ type: 'data', data: Buffer.from(text) });
  }

  seen(pattern: RegExp): Promise<true> {
    return until(() => pattern.test(this.screen) || undefined);
  }

  async *input(): AsyncIterable<ExecInput> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

test.each<[string, readonly string[]]>([
  ['without a sandbox', []],
  ['in a strict sandbox', STRICT],
])('a terminal is one: echo, size, interrupts, its new size, the exit code; %s', async (_what, properties) => {
  runUnit(properties);
  const typist = new Typist();
  onTestFailed(() => console.error(JSON.stringify(typist.screen)));
  const terminal = { type: 'xterm-256color', columns: 100, rows: 30 };
  const ended = run(INTERACTIVE, {
    terminal,
    input: typist.input(),
    onOutput: (text) => typist.show(text),
  });
  typist.type("PS1='ready> '; stty size; echo $TERM; tty\r");
  await typist.seen(/30 100\r\nxterm-256color\r\n\/dev\/pts\/\d+\r\nready> $/);
  typist.type('cat\r');
  await typist.seen(/cat\r\n$/);
  typist.type('echoed\r');
  await typist.seen(/echoed\r\nechoed\r\n$/);
  typist.type('\x03');
  await typist.seen(/\^C\r\nready> $/);
  typist.say({ type: 'resize', terminal: { ...terminal, columns: 132, rows: 50 } });
  // The new size goes another way than what is typed.
  await until(() => {
    typist.type('stty size\r');
    return typist.screen.includes('50 132') || undefined;
  });
  typist.type('exit 42\r');
  expect((await ended).exitCode).toBe(42);
});

const beside = (command: readonly string[], timeoutMs = 20_000): Promise<BesideResult> =>
  exec.runBeside(runRequest({ id: 'a', run: 1, command }), timeoutMs);

test('a health check is told apart by its exit code, with the end of its output', async () => {
  runUnit(['User=daemon']);
  expect(await beside(shell('id -un; exit 3'))).toEqual({ exitCode: 3, output: 'daemon' });
  expect(await beside(shell('cat; echo problem >&2'))).toEqual({ exitCode: 0, output: 'problem' });
  const much = await beside(shell('seq 1 100000'));
  expect(much.exitCode).toBe(0);
  expect(much.output.endsWith('99999\n100000')).toBe(true);
  expect(much.output.length).toBeLessThanOrEqual(512);
  expect((await beside(['no-such-command'])).exitCode).toBe(127);
});

test('a health check that takes too long is ended, and one of what does not run says so', async () => {
  expect((await beside(['true'])).output).toContain('it could not be run');
  runUnit();
  const script = 'MARKER=late setsid sleep 1000 & sleep 1000';
  expect(await beside(shell(script), 1_000)).toEqual({ exitCode: undefined, output: 'it did not end within 1000 ms' });
  await until(() => processesOf('MARKER=late') === 0 || undefined);
});

test('the journal hears nothing of helpers', async () => {
  runUnit();
  expect((await beside(['true'])).exitCode).toBe(0);
  execFileSync('journalctl', ['--sync']);
  const search = ['-q', '-o', 'cat', '--no-pager', '--grep=cell-exec-|Command in allocation'];
  const noted = spawnSync('journalctl', search, { encoding: 'utf8' }).stdout;
  expect(noted).toBe('');
});
