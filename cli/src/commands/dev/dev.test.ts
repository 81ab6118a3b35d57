/** The real thing: control plane, agent and workload, ended by Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect } from '@cell/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runAlone } from '../../testing/run-cellctl.ts';

const MAIN = resolve(import.meta.dirname, '../../main.ts');
const PORTS = 4;

let folder = '';
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cellctl-dev-test-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/**
 * So many ports in a row that nobody listens on, at least a moment ago; below those that the kernel gives away, which
 * begin at 32768.
 */
async function freePorts(): Promise<number> {
  const start = 11_000 + (process.pid % 2_000) * PORTS;
  for (let first = start; first < start + 100 * PORTS; first += PORTS) {
    const free = await Promise.all(Array.from({ length: PORTS }, (_, offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`Found no ${PORTS} free ports in a row from ${start} on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

function processesWith(marker: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(marker);
    } catch {
      return false;
    }
  });
}

function start(words: readonly string[]): { readonly errors: () => string; readonly end: Promise<number | null> } {
  const flags = ['--disable-warning=ExperimentalWarning', MAIN, 'dev', ...words];
  const started = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  let errors = '';
  started.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const end = once(started, 'close').then(([code]) => code as number | null);
  return { errors: () => errors, end };
}

test('a fleet of one runs a job, and Ctrl-C leaves nothing behind', { timeout: 120_000 }, async () => {
  const port = await freePorts();
  const data = join(folder, 'data');
  const running = start(['--data', data, '--port', String(port)]);
  await expect.poll(running.errors, { timeout: 45_000 }).toContain('Ctrl-C stops all jobs and ends it');

  const marker = `8${Date.now()}`;
  writeFileSync(join(folder, 'sleep.toml'), `name = "sleep"\ntype = "service"\ncommand = ["sleep", "${marker}"]\n`);
  const environment = { CELL_ADDR: `127.0.0.1:${port}`, CELL_TOKEN_FILE: join(data, 'admin-token') };
  expect(running.errors()).toContain(
    `export CELL_ADDR=${environment.CELL_ADDR} CELL_TOKEN_FILE=${environment.CELL_TOKEN_FILE}\n`,
  );
  const run = await runAlone(['job', 'run', 'sleep.toml'], { environment, currentFolder: folder, connect });
  expect(run).toMatchObject({ exitCode: 0, output: 'Job "sleep" version 1: 1 of 1 healthy\n' });
  expect(processesWith(marker).length).toBeGreaterThan(0);

  child?.kill('SIGINT');
  expect(await running.end).toBe(0);
  // The shell that has noted how the job ended, and that has its words too, goes a moment later.
  await expect.poll(() => processesWith(marker)).toEqual([]);
});

test('a folder that can not be made is an error that says what to do', async (context) => {
  if (!existsSync('/proc/self')) context.skip('there is no /proc, where nothing can be made');
  const running = start(['--data', '/proc/cell/data']);
  expect(await running.end).toBe(1);
  expect(running.errors()).toMatch(/^CELL_E_FILE: Could not make the folder "\/proc\/cell\/data": ENOENT.*"--data"\n$/);
});

test('a port in use is an error that says what to do', async () => {
  const port = await freePorts();
  const holder = createServer();
  await new Promise<void>((done) => {
    holder.listen(port, '127.0.0.1', done);
  });
  try {
    const running = start(['--port', String(port)]);
    expect(await running.end).toBe(1);
    expect(running.errors()).toMatch(/^CELL_E_ADDRESS_IN_USE: .*"--port"\n$/);
  } finally {
    holder.close();
  }
});
