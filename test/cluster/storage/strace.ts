import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';

const PROGRAM = '/usr/bin/strace';
const CALLS = 'read,write,writev,pwrite64,fdatasync,fsync,rename,renameat,renameat2';
const ATTACH_MS_MAX = 10_000;

/** Bytes of each buffer that are noted: more than any write of the test. */
const BYTES_MAX = 1024 * 1024;

/** Why calls can't be traced here; undefined if they can. */
export function whyNoStrace(): string | undefined {
  try {
    execFileSync(PROGRAM, ['-f', '-o', '/dev/null', '/bin/true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'strace is not installed (Debian: strace)' : 'Tracing processes is not allowed here';
  }
}

/** Attached to a running process and all its threads. */
export class Strace {
  readonly #child: ChildProcess;
  readonly #file: string;
  #said = '';

  private constructor(child: ChildProcess, file: string) {
    this.#child = child;
    this.#file = file;
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#said += bytes.toString();
    });
  }

  /** `more`: further arguments, such as faults to inject. */
  static async attach(pid: number, folder: string, more: readonly string[] = []): Promise<Strace> {
    const file = join(folder, `trace-${pid}`);
    const what = more.length > 0 ? more : ['-e', `trace=${CALLS}`, '-xx', '-s', String(BYTES_MAX)];
    const child = spawn(PROGRAM, ['-f', '-yy', ...what, '-o', file, '-p', String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const strace = new Strace(child, file);
    await waitFor(() => strace.#said.includes('attached') || child.exitCode !== null, {
      what: 'strace to attach',
      timeoutMs: ATTACH_MS_MAX,
    });
    if (child.exitCode !== null) throw new Error(`strace ended: ${strace.#said}`);
    return strace;
  }

  /** Lets the process go, and gives what was traced. */
  async detach(): Promise<string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGINT');
      await waitFor(() => this.#child.exitCode !== null || this.#child.signalCode !== null, { what: 'strace to end' });
    }
    return readFileSync(this.#file, 'utf8');
  }
}
