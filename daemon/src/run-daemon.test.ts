/** A daemon as a process, and what it tells systemd. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import { missingForNotifySocket, NotifySocket } from './testing/notify-socket.ts';

const PROGRAM = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'testing/tiny-daemon.ts')];

/** Many times the third of a watchdog's period after which it is fed. */
const QUIET_MS = 500;

let folder: string;
let file: string;
let child: ChildProcess | undefined;
let socket: NotifySocket | undefined;
let output: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-daemon-'));
  file = join(folder, 'tiny.toml');
  writeFileSync(file, '');
  child = undefined;
  socket = undefined;
  output = '';
});
afterEach(async () => {
  if (child !== undefined) await end('SIGKILL');
  await socket?.close();
  rmSync(folder, { recursive: true });
});

async function start(environment: NodeJS.ProcessEnv = {}): Promise<NotifySocket> {
  socket = await NotifySocket.open();
  const env = { ...process.env, NOTIFY_SOCKET: socket.path, ...environment };
  child = spawn(process.execPath, [...PROGRAM, '--config', file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (output += data));
  return socket;
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  if (child!.exitCode === null && child!.signalCode === null) {
    child!.kill(signal);
    await once(child!, 'close');
  }
  return child!.exitCode;
}

/** The words that were sent, without those that the watchdog gets. */
const said = (): readonly string[] => socket!.messages.filter((message) => message !== 'WATCHDOG=1');

function skipWithout(context: TestContext): void {
  const missing = missingForNotifySocket();
  if (missing !== undefined) context.skip(missing);
}

test('systemd hears what a daemon waits for, that it is ready, and that it stops', async (context) => {
  skipWithout(context);
  await start();
  await expect.poll(said).toEqual(['STATUS=Waits']);
  child!.kill('SIGUSR2');
  await expect.poll(said).toEqual(['STATUS=Waits', 'READY=1|STATUS=Waits']);
  expect(await end('SIGTERM')).toBe(0);
  await expect.poll(said).toEqual(['STATUS=Waits', 'READY=1|STATUS=Waits', 'STOPPING=1|STATUS=Stopping']);
});

test('nothing that a daemon starts takes the place of the daemon with systemd', async (context) => {
  skipWithout(context);
  await start({ WATCHDOG_USEC: '60000000' });
  await expect.poll(said).toEqual(['STATUS=Waits']);
  const relay = spawnSync('ps', ['-o', 'pid=', '--ppid', `${child!.pid}`], { encoding: 'utf8' }).stdout.trim();
  expect(readFileSync(`/proc/${relay}/environ`, 'utf8')).not.toContain('WATCHDOG_USEC');
  await expect.poll(() => output).toContain('What it starts inherits of systemd: []');
  expect(readFileSync(`/proc/${child!.pid}/comm`, 'utf8')).toBe('tiny-daemon\n');
});

test('the watchdog is fed as long as the event loop turns, and starves while it is blocked', async (context) => {
  skipWithout(context);
  const block = join(folder, 'block');
  writeFileSync(block, '');
  await start({ WATCHDOG_USEC: '100000', TINY_BLOCK: block });
  const fed = (): number => socket!.messages.filter((message) => message === 'WATCHDOG=1').length;
  await expect.poll(fed).toBeGreaterThan(3);
  child!.kill('SIGUSR1');
  let before = 0;
  // What was sent before is on its way for a while; what is fed goes on for ever.
  const quiet = (): boolean => {
    const unchanged = fed() === before;
    before = fed();
    return unchanged;
  };
  await expect.poll(quiet, { interval: QUIET_MS }).toBe(true);
  rmSync(block);
  await expect.poll(fed).toBeGreaterThan(before);
});

test('a watchdog that watches another process is not fed', async (context) => {
  skipWithout(context);
  await start({ WATCHDOG_USEC: '30000', WATCHDOG_PID: '1' });
  await expect.poll(said).toEqual(['STATUS=Waits']);
  child!.kill('SIGUSR2');
  await expect.poll(() => said().length).toBe(2);
  expect(socket!.messages).toEqual(said());
});

test('SIGHUP takes a new log level at once, names the keys that need a restart, and refuses a wrong file', async (context) => {
  skipWithout(context);
  await start();
  await expect.poll(said).toEqual(['STATUS=Waits']);
  child!.kill('SIGUSR2');
  await expect.poll(() => said().length).toBe(2);
  const reload = async (toml: string): Promise<readonly string[]> => {
    const before = said().length;
    writeFileSync(file, toml);
    child!.kill('SIGHUP');
    await expect.poll(() => said().slice(before).at(-1)).toBe('READY=1');
    return said().slice(before);
  };
  const begin = expect.stringMatching(/^RELOADING=1\|MONOTONIC_USEC=\d+$/);
  expect(await reload('log.level = "debug"')).toEqual([begin, 'READY=1']);
  await expect.poll(() => output).toContain('"msg":"ready true"');
  const remark = 'Restart it for the new "colour" of its configuration';
  expect(await reload('colour = "blue"')).toEqual([begin, `STATUS=Waits. ${remark}`, 'READY=1']);
  await expect.poll(() => output).toContain(JSON.stringify(remark).slice(1, -1));
  const wrong = `Its new configuration is wrong and was not taken: ${file}:1: Key "size" is not known here`;
  expect(await reload('size = 1')).toEqual([begin, expect.stringContaining(`STATUS=Waits. ${wrong}`), 'READY=1']);
  await expect.poll(() => output).toContain('Did not take the new configuration; nothing was changed');
  expect(await reload('log.level = "debug"')).toEqual([begin, 'STATUS=Waits', 'READY=1']);
});

function runOnce(...flags: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...PROGRAM, ...flags], { encoding: 'utf8' });
  return `${status} ${stdout}${stderr}`;
}

test('--check says whether the daemon could start with its configuration', () => {
  expect(runOnce('--config', file, '--check')).toMatch(
    /^0 The configuration is right: ".*tiny\.toml" and the environment\n$/,
  );
  writeFileSync(file, 'colour = 1');
  expect(runOnce('--config', file, '--check')).toMatch(
    /^1 CELL_E_CONFIG: .*tiny\.toml:1: Key "colour" has the value "1"/,
  );
  expect(runOnce('--check')).toMatch(/^1 CELL_E_CONFIG: "\/nowhere\/tiny\.toml": .*there is no such file/);
});

test('a daemon that was never told what it must know ends with 78, with anything else wrong too as ever with 1', () => {
  writeFileSync(file, '[[shapes]]');
  expect(runOnce('--config', file)).toMatch(/^78 CELL_E_CONFIG: .*tiny\.toml:1: Key "shapes\[0\]\.kind" is missing/);
  writeFileSync(file, 'colour = 1\n[[shapes]]');
  expect(runOnce('--config', file)).toMatch(/^1 CELL_E_CONFIG: .* 2 problems/);
});

test('without NOTIFY_SOCKET nothing is started and nothing is said', async () => {
  const env = { ...process.env };
  delete env['NOTIFY_SOCKET'];
  writeFileSync(file, 'log.level = "debug"');
  child = spawn(process.execPath, [...PROGRAM, '--config', file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (output += data));
  // Said by a timer: by then it takes signals.
  await expect.poll(() => output).toContain('ready false');
  child.kill('SIGHUP');
  await expect.poll(() => output).toContain('Read the configuration anew');
  expect(spawnSync('ps', ['-o', 'pid=', '--ppid', `${child.pid}`], { encoding: 'utf8' }).stdout).toBe('');
  expect(await end('SIGTERM')).toBe(0);
  expect(output).toContain('Stopping on SIGTERM; nothing is lost');
});
