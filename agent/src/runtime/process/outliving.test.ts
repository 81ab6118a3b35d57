/** What makes a workload independent of its agent, with real processes that are killed for real. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRequest, RunRequest, Runtime } from '../../ports.ts';
import { realClock } from '../../real-clock.ts';
import type { Observed } from '../../reconcile/model.ts';
import { runRequest } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';
import { pruneSegments } from './log-segments.ts';
import { parseStat, readStat } from './process-identity.ts';
import { openProcessRuntime } from './process-runtime.ts';
import { readProcessTable } from './process-table.ts';

/** Its own in every run of the tests: killing all of an allocation finds it by this id on the whole machine. */
const ID = `a${process.pid}`;
const LINES = 150_000;
const PATH = process.env['PATH'] ?? '';
let folder: string;
let runtime: Runtime | undefined;
const holders: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-outliving-'));
});
afterEach(async () => {
  for (const child of holders.splice(0)) child.kill('SIGKILL');
  runtime ??= await openProcessRuntime({ folder, clock: realClock });
  await closeRuntime({ remove: true });
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function open(segmentBytes = 8_388_608): Promise<Runtime> {
  runtime = await openProcessRuntime({ folder, clock: realClock, segmentBytes });
  return runtime;
}

async function closeRuntime({ remove = false } = {}): Promise<void> {
  const closing = runtime;
  runtime = undefined;
  for (const id of remove ? (closing?.known() ?? []) : []) await closing?.remove(id);
  await closing?.close();
}

function requestOf(command: string[], change: Partial<RunRequest> = {}): RunRequest {
  return runRequest({ id: ID, command, environment: { PATH, CELL_ALLOCATION: ID }, ...change });
}

function seen(state: Observed['state'], run = 1): Promise<Observed> {
  return until(() => (runtime?.observe(ID, run).state === state ? runtime.observe(ID, run) : undefined));
}

/** Starts a process that holds a runtime with one allocation, waits until that runs, and gives the process. */
async function holder(segmentBytes: number, ...command: string[]): Promise<ChildProcess> {
  const program = fileURLToPath(import.meta.resolve('../testing/hold-runtime.ts'));
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, folder, `${segmentBytes}`, ID, ...command],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  holders.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function output(change: Partial<LogRequest> = {}): Promise<string> {
  const request: LogRequest = { follow: false, tailLines: undefined, stream: 'both', mayGoOn: () => false, ...change };
  let text = '';
  for await (const { data } of runtime!.readLogs(ID, request, new AbortController().signal))
    text += Buffer.from(data).toString();
  return text;
}

function leaderPid(run = 1): number {
  return parseStat(readFileSync(join(folder, ID, `run-00000${run}`, 'process'), 'utf8'))!.pid;
}

/** Ids of living processes whose arguments have the text. */
async function processesWith(text: string): Promise<number[]> {
  const table = await readProcessTable();
  const pids = table.filter((stat) => stat.state !== 'Z').map((stat) => stat.pid);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]!.split('\0').includes(text));
}

const numberedLines = (count: number): string[] => [
  'sh',
  '-c',
  'i=0; while [ $i -lt "$1" ]; do echo "line $i"; i=$((i + 1)); done; exit 7',
  'sh',
  `${count}`,
];

test('a process runs on when its agent is killed, is adopted as it is, and its exit code is not lost', async () => {
  const agent = await holder(1_000_000, 'sh', '-c', 'sleep 1000; exit 7');
  const pid = leaderPid();
  await kill(agent);
  expect(readStat(pid)).toBeDefined();
  await open();
  expect(runtime?.observe(ID, 1)).toEqual({ state: 'running' });
  expect(leaderPid()).toBe(pid);
  await runtime?.signal(ID, 'SIGTERM');
  expect(await seen('ended')).toMatchObject({ exitCode: 143 });
});

test('an exit while no agent was there is found afterwards', async () => {
  const agent = await holder(1_000_000, 'sh', '-c', 'until [ -e go ]; do sleep 0.02; done; exit 42');
  await kill(agent);
  await writeFile(join(folder, ID, 'work', 'go'), '');
  await until(async () => (await readdir(join(folder, ID, 'run-000001'))).includes('exit') || undefined);
  await open();
  expect(runtime?.observe(ID, 1)).toEqual({ state: 'ended', exitCode: 42, cannotRun: '', message: '' });
});

test('a fast writer loses no line and no order over the kill of its agent and over many files', async () => {
  const agent = await holder(65_536, ...numberedLines(LINES));
  await kill(agent);
  await open(65_536);
  const followed = output({ follow: true, stream: 'stdout' });
  expect(await seen('ended')).toMatchObject({ exitCode: 7 });
  const expected = Array.from({ length: LINES }, (_, index) => `line ${index}\n`).join('');
  expect((await followed) === expected).toBe(true);
  expect((await output()) === expected).toBe(true);
  expect(await output({ tailLines: 7_000 })).toBe(expected.slice(expected.indexOf(`line ${LINES - 7_000}\n`)));
  expect((await readdir(join(folder, ID, 'logs'))).length).toBeGreaterThan(20);
});

test('the oldest output is deleted beyond the limit, and what is left is whole', async () => {
  await open(65_536);
  await runtime!.start(requestOf(numberedLines(LINES)));
  await seen('ended');
  await until(async () => (await output({ tailLines: 1 })) === `line ${LINES - 1}\n` || undefined);
  await pruneSegments(join(folder, ID, 'logs'), 4 * 65_536);
  const kept = await output();
  expect(kept.length).toBeGreaterThan(3 * 65_536);
  expect(kept.length).toBeLessThanOrEqual(4 * 65_536);
  const numbers = kept
    .split('\n')
    .slice(1, -1)
    .map((line) => Number(line.slice(5)));
  expect(numbers.at(-1)).toBe(LINES - 1);
  expect(numbers.every((number, index) => index === 0 || number === numbers[index - 1]! + 1)).toBe(true);
});

test('what a process has written is there at once, also a part of a line', async () => {
  await open();
  await runtime!.start(requestOf(['sh', '-c', 'printf "no newline"; printf "wrong" >&2; exec sleep 1000']));
  await until(async () => (await output({ stream: 'stdout' })) === 'no newline' || undefined);
  await until(async () => (await output({ stream: 'stderr' })) === 'wrong' || undefined);
});

test('children and grandchildren are killed with what started them, also those that left for another session', async () => {
  await open();
  const mark = `1000.${process.pid}`;
  const script = 'sleep "$1" & setsid sleep "$1" & (setsid sh -c "sleep $1 & sleep $1" &) ; sleep "$1"';
  await runtime!.start(requestOf(['sh', '-c', script, 'sh', mark]));
  await until(async () => (await processesWith(mark)).length >= 6 || undefined);
  await runtime!.kill(ID);
  expect(await seen('ended')).toMatchObject({ exitCode: 137 });
  await until(async () => (await processesWith(mark)).length === 0 || undefined);
});

test('what a command leaves behind when it ends is killed, and its end is noticed nevertheless', async () => {
  await open();
  const mark = `1001.${process.pid}`;
  // The child holds the pipe of standard output.
  await runtime!.start(requestOf(['sh', '-c', 'echo begun; setsid sleep "$1" & exit 5', 'sh', mark]));
  expect(await seen('ended')).toMatchObject({ exitCode: 5 });
  expect(await output({ follow: true })).toBe('begun\n');
  await until(async () => (await processesWith(mark)).length === 0 || undefined);
});

test('what is started again is not taken for what its predecessor left behind, however soon it runs', async () => {
  await open();
  await runtime!.start(requestOf(['true']));
  await seen('ended');
  // Resolves when all that it left behind is gone.
  await runtime!.start(requestOf(['true']));
  // It runs before this runtime looks for it, as it may on a busy machine.
  const quicker = await openProcessRuntime({ folder, clock: realClock });
  await quicker.start(requestOf(['sleep', '1000'], { run: 2 }));
  await runtime!.start(requestOf(['sleep', '1000'], { run: 2 }));
  await closeRuntime();
  expect(['S', 'R']).toContain(readStat(leaderPid(2))?.state);
  await quicker.close();
});

test('a process that was given the id of ours is never signalled', async () => {
  await open();
  await runtime!.start(requestOf(['sleep', '1000']));
  await seen('running');
  await closeRuntime();
  const run = join(folder, ID, 'run-000001');
  const ours = leaderPid();
  // As if ours had ended, and the kernel had given its id to this stranger, which begins in a later clock tick.
  const stranger = await until(() => {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    if (readStat(child.pid!)!.startTicks > readStat(ours)!.startTicks) return child;
    child.kill('SIGKILL');
    return undefined;
  });
  const line = await readFile(join(run, 'process'), 'utf8');
  await writeFile(join(run, 'process'), line.replace(/^\d+/, `${stranger.pid}`));
  await open();
  await runtime!.signal(ID, 'SIGTERM');
  process.kill(ours, 'SIGKILL');
  await seen('ended');
  await runtime!.kill(ID);
  expect(stranger).toMatchObject({ exitCode: null, signalCode: null });
  expect(['S', 'R']).toContain(readStat(stranger.pid!)?.state);
  await kill(stranger);
});

test('a killed supervisor costs the exit code and nothing else', async () => {
  await open();
  await runtime!.start(requestOf(['sleep', '1000']));
  await seen('running');
  const supervisor = parseStat(readFileSync(join(folder, ID, 'run-000001', 'supervisor'), 'utf8'))!;
  process.kill(supervisor.pid, 'SIGKILL');
  await until(() => readStat(supervisor.pid) === undefined || undefined);
  expect(runtime!.observe(ID, 1)).toEqual({ state: 'running' });
  await runtime!.signal(ID, 'SIGTERM');
  const end = await seen('ended');
  expect(end).toMatchObject({ exitCode: undefined, message: expect.stringContaining('supervisor was killed') });
});

test('a run of before the last start of the machine has ended, whoever has its id now', async () => {
  await open();
  await runtime!.start(requestOf(['sleep', '1000']));
  await seen('running');
  await closeRuntime();
  await writeFile(join(folder, ID, 'run-000001', 'boot'), 'another-boot');
  await open();
  expect(runtime!.observe(ID, 1)).toMatchObject({
    exitCode: undefined,
    message: 'The machine was started again while it ran',
  });
});

test('a full disk costs output, and neither the workload nor its exit code', async (context) => {
  if (process.getuid?.() !== 0) context.skip('mounting a small file system needs root');
  const { execFileSync } = await import('node:child_process');
  const small = join(folder, 'small');
  execFileSync('mkdir', [small]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
  try {
    runtime = await openProcessRuntime({ folder: small, clock: realClock });
    const script =
      'i=0; while [ $i -lt 8000 ]; do echo "line $i, rather long so that it takes room"; i=$((i+1)); done; exit 9';
    await runtime.start(requestOf(['sh', '-c', script]));
    expect(await seen('ended')).toMatchObject({ exitCode: 9 });
    await closeRuntime({ remove: true });
  } finally {
    execFileSync('umount', ['-l', small]);
  }
});
