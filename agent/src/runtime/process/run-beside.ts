import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { BesideResult, RunRequest } from '../../ports.ts';
import { environmentScript } from './allocation-folder.ts';
import type { UserAccount } from './user-account.ts';

/** Of its output, the end is kept. */
const OUTPUT_BYTES_MAX = 512;

/** Runs a command as the allocation's own would run, and waits for it; what is left after the time is killed. */
export function runBeside(
  script: string,
  request: RunRequest,
  user: UserAccount | undefined,
  timeoutMs: number,
): Promise<BesideResult> {
  const enter = ['/bin/sh', script, 'enter', request.workingDirectory, ...request.command];
  const become = ['setpriv', '--reuid', `${user?.uid}`, '--regid', `${user?.gid}`, '--init-groups', '--'];
  const [program, ...rest] = user === undefined ? enter : [...become, ...enter];
  const child = spawn(program!, rest, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  const environment = child.stdio[4] as Writable;
  environment.on('error', () => undefined);
  environment.end(environmentScript(request.environment));
  return result(child, timeoutMs);
}

function result(child: ChildProcess, timeoutMs: number): Promise<BesideResult> {
  let output = '';
  let entry = '';
  const keep = (data: Buffer): void => {
    output = (output + data.toString()).slice(-OUTPUT_BYTES_MAX);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  (child.stdio[3] as Readable).on('data', (data: Buffer) => {
    entry = (entry + data.toString()).slice(0, OUTPUT_BYTES_MAX);
  });
  return new Promise((resolve) => {
    const done = (exitCode: number | undefined, why = output): void => {
      clearTimeout(timer);
      // A child of it may hold the pipes for ever.
      for (const stream of child.stdio) stream?.destroy();
      resolve({ exitCode, output: why.trim() });
    };
    const timer = setTimeout(() => {
      killSession(child);
      done(undefined, `it did not end within ${timeoutMs} ms`);
    }, timeoutMs);
    child.once('error', (error) => done(undefined, `it could not be started: ${error.message}`));
    // Its pipes may hold some more when it has ended.
    child.once('exit', (code) => {
      setImmediate(() => done(code ?? undefined, entry.trim() === 'ready' ? output : entry));
    });
  });
}

/** Before it has entered its session, the process is in ours, and is killed by itself. */
function killSession(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const target of [-child.pid, child.pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // Ended, or no group of its own.
    }
  }
}
