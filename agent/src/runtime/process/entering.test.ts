/** How a command comes to run: its arguments, environment, folder and user, and what is said when it can't. */
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunRequest, Runtime } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import { runRequest } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';
import { openProcessRuntime } from './process-runtime.ts';

let folder: string;
let runtime: Runtime;
const asRoot = process.getuid?.() === 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-entering-'));
  await chmod(folder, 0o711);
  runtime = await openProcessRuntime({ folder: join(folder, 'runtime'), clock: realClock });
});
afterEach(async () => {
  for (const id of runtime.known()) await runtime.remove(id);
  await runtime.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Runs the command to its end; gives its output, or why it could not be run. */
async function run(command: string[], change: Partial<RunRequest> = {}): Promise<string> {
  const request = runRequest({ command, ...change });
  try {
    await runtime.start(request);
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
  const end = await until(() => {
    const observed = runtime.observe('a', request.run);
    return observed.state === 'ended' ? observed : undefined;
  });
  if (end.cannotRun !== '') return `failed: ${end.cannotRun}`;
  const all = { follow: true, tailLines: undefined, stream: 'both', mayGoOn: () => false } as const;
  let text = '';
  for await (const { data } of runtime.readLogs('a', all, new AbortController().signal))
    text += Buffer.from(data).toString();
  return text;
}

test('arguments arrive as they are, whatever is in them', async () => {
  const odd = ['', ' ', "it's", '"$HOME" `id` $(id)', '\\n', '*', 'a\nb', '-n', 'é☃', ';', '--'];
  const command = [process.execPath, '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...odd];
  expect(JSON.parse(await run(command))).toEqual(odd);
});

test('the environment is exactly what was asked for', async () => {
  const environment = {
    PATH: '/usr/bin:/bin',
    EMPTY: '',
    QUOTE: 'it\'s "so" `id` $(id) $HOME \\',
    LINES: 'a\nb\n',
    directory: 'd',
    folder: 'f',
    own: 'o',
    run: 'r',
    IFS: 'x',
    LD_PRELOAD: '',
  };
  const text = await run([process.execPath, '-p', 'JSON.stringify(process.env)'], { environment });
  expect(JSON.parse(text)).toEqual(environment);
});

test('the environment is in no file that others can read, and in no list of arguments', async () => {
  const environment = { PATH: '/usr/bin:/bin', SECRET: 's3cr3t' };
  await runtime.start(runRequest({ command: ['sleep', '1000'], environment }));
  const path = join(folder, 'runtime', 'a', 'run-000001');
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(path, 'environment'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(path, 'environment'), 'utf8')).toContain('s3cr3t');
  const supervisor = Number.parseInt(await readFile(join(path, 'supervisor'), 'utf8'), 10);
  expect(await readFile(`/proc/${supervisor}/cmdline`, 'utf8')).not.toContain('s3cr3t');
});

test('a command runs in the folder that was asked for, else in its own', async () => {
  expect(await run(['pwd'])).toBe(`${join(folder, 'runtime', 'a', 'work')}\n`);
  expect(await run(['pwd'], { run: 2, workingDirectory: '/usr' })).toContain('/usr\n');
});

test('a session of its own, without a terminal and without input', async () => {
  const text = await run(['sh', '-c', 'cat; ps -o pid=,pgid=,sid= -p $$; echo $$']);
  const numbers = text.trim().split(/\s+/);
  expect(new Set(numbers).size).toBe(1);
});

test.each<[string, string[], Partial<RunRequest>, string]>([
  ['that is not there', ['nonesuch'], {}, 'failed: Could not find the command "nonesuch" in PATH "/usr/bin:/bin"'],
  ['whose file is not there', ['/nonesuch/x'], {}, 'failed: Could not find the command "/nonesuch/x"'],
  ['that is a folder', ['/usr'], {}, 'failed: Could not run the command "/usr": it is not a file'],
  [
    'in a folder that is not there',
    ['true'],
    { workingDirectory: '/nonesuch' },
    'failed: Could not find the working directory "/nonesuch"',
  ],
  [
    'of a user that is not there',
    ['true'],
    { user: 'nonesuch' },
    'CELL_E_CANNOT_RUN: Could not find user "nonesuch" on this node; create it, or change "user"',
  ],
  [
    'with a variable that has no name',
    ['true'],
    { environment: { 'a.b': '' } },
    'CELL_E_CANNOT_RUN: Could not set the environment variable "a.b": names are letters, digits and "_", values are without NUL',
  ],
  [
    'with the id of no allocation',
    ['true'],
    { id: '../x' },
    'CELL_E_CANNOT_RUN: Could not use "../x" as the id of an allocation',
  ],
])('a command %s is refused with the reason', async (_, command, change, expected) => {
  expect(await run(command, change)).toBe(expected);
});

test('a file that may not be executed is refused with the reason', async () => {
  const path = join(folder, 'data');
  await writeFile(path, 'x', { mode: 0o644 });
  const who = userInfo().username;
  expect(await run([path])).toBe(
    `failed: Could not run the command "${path}" as user "${who}": it is not allowed to execute "${path}"`,
  );
});

test('root runs a command as another user, with its groups, in a folder that is its own', async (context) => {
  if (!asRoot) context.skip('changing users needs root');
  const text = await run(['sh', '-c', 'id -un; id -Gn; touch here && echo written; echo again >/dev/stdout; umask'], {
    user: 'nobody',
  });
  expect(text).toBe('nobody\nnogroup\nwritten\nagain\n0022\n');
});

test('another user can not read what is kept of its allocation', async (context) => {
  if (!asRoot) context.skip('changing users needs root');
  const text = await run(['sh', '-c', 'cat ../run-000001/environment ../logs/x 2>&1; echo done'], {
    user: 'nobody',
  });
  expect(text).toMatch(/Permission denied[\s\S]*Permission denied[\s\S]*done\n$/);
});

test('secrets are files in a folder of its own, which the environment names', async () => {
  const secretsFolder = join(folder, 'secrets');
  await mkdir(secretsFolder, { mode: 0o700 });
  await writeFile(join(secretsFolder, 'password'), 's3cret', { mode: 0o600 });
  const command = ['sh', '-c', 'echo "$CREDENTIALS_DIRECTORY $(cat "$CREDENTIALS_DIRECTORY/password")"'];
  expect(await run(command, { secretsFolder })).toBe(`${secretsFolder} s3cret\n`);
  const beside = runRequest({ command: ['sh', '-c', 'cat "$CREDENTIALS_DIRECTORY/password"'], secretsFolder });
  expect((await runtime.runBeside(beside, 30_000)).output).toBe('s3cret');
});

test('another user reads its secrets, changes none of them, and nobody else sees them', async (context) => {
  if (!asRoot) return context.skip('Only root can run commands as other users');
  const secretsFolder = join(folder, 'secrets');
  await mkdir(secretsFolder, { mode: 0o700 });
  await writeFile(join(secretsFolder, 'password'), 's3cret', { mode: 0o600 });
  const script =
    'cd "$CREDENTIALS_DIRECTORY" && cat * && (echo >more || rm -f password || echo >password) 2>/dev/null; echo $?';
  expect(await run(['sh', '-c', script], { secretsFolder, user: 'nobody' })).toBe('s3cret2\n');
  expect((await stat(secretsFolder)).mode & 0o007).toBe(0);
  expect((await stat(join(secretsFolder, 'password'))).mode & 0o777).toBe(0o400);
});
