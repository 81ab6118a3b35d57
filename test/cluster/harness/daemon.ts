import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { waitFor } from './wait-for.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const HTTP_MS_MAX = 2000;

export interface DaemonParts {
  /** In bin/. */
  readonly program: 'cell-control-plane' | 'cell-agent';
  /** For messages and file names: "member-1". */
  readonly name: string;
  /** Where its configuration, data and output lie. */
  readonly folder: string;
  readonly configFile: string;
  readonly httpAddress: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before the program's path: what becomes it, such as `ip netns exec NAME`. */
  readonly launcher?: readonly string[];
}

/** How a process ended. */
export interface Ending {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A real daemon process that tests start, hurt, and start again. */
export class Daemon {
  readonly name: string;
  readonly folder: string;
  readonly configFile: string;
  readonly httpAddress: string;
  readonly #parts: DaemonParts;
  #child: ChildProcess | undefined;
  #ended: Promise<Ending> | undefined;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.folder = parts.folder;
    this.configFile = parts.configFile;
    this.httpAddress = parts.httpAddress;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get started(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.name} was never started`);
    return this.#child.pid;
  }

  /** Starts the process; `ready` waits until it serves. */
  start(): void {
    if (this.running) throw new Error(`${this.name} is running already`);
    const output = openSync(this.outputFile, 'a');
    const errors = openSync(this.errorFile, 'a');
    const words = [
      ...(this.#parts.launcher ?? []),
      join(ROOT, 'bin', this.#parts.program),
      '--config',
      this.configFile,
    ];
    const child = spawn(words[0] as string, words.slice(1), {
      stdio: ['ignore', output, errors],
      env: { ...process.env, ...this.#parts.environment },
      // Ctrl-C is for the one who started the fleet, who then ends it in order.
      detached: true,
    });
    closeSync(output);
    closeSync(errors);
    this.#child = child;
    this.#ended = new Promise((ended) => {
      child.once('error', () => ended({ exitCode: undefined, signal: undefined }));
      child.once('exit', (code, signal) => ended({ exitCode: code ?? undefined, signal: signal ?? undefined }));
    });
  }

  /** Waits until /readyz says so; rejects at once, with what it said, if the process ends before. */
  async ready(timeoutMs = READY_MS_MAX): Promise<void> {
    await waitFor(
      async () => {
        if (!this.running) return 'ended';
        return (await this.http('/readyz')).status === 200;
      },
      { what: `${this.name} to be ready`, timeoutMs },
    );
    if (!this.running) throw new Error(`${this.name} ended: ${this.errors().trim()}`);
  }

  /** Waits for the end of the process. */
  async ended(timeoutMs = STOP_MS_MAX): Promise<Ending> {
    const ended = this.#ended;
    if (ended === undefined) throw new Error(`${this.name} was never started`);
    await waitFor(() => !this.running, { what: `${this.name} to end`, timeoutMs });
    return ended;
  }

  /** Default: as a power cut would. Resolves once the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ending> {
    if (this.running) process.kill(this.pid, signal);
    return this.ended();
  }

  /** In order, as `systemctl stop` would. */
  async stop(): Promise<Ending> {
    return this.kill('SIGTERM');
  }

  /** Lets this process end while the daemon runs on. */
  unref(): void {
    this.#child?.unref();
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  /** Freezes the process, without the kernel closing its connections. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async http(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const answer = await fetch(`http://${this.httpAddress}${path}`, { signal: AbortSignal.timeout(HTTP_MS_MAX) });
    return { status: answer.status, body: await answer.text() };
  }

  /** One value of /metrics, by its name with labels as they stand there; undefined if it isn't there. */
  async metric(name: string): Promise<number | undefined> {
    const { body } = await this.http('/metrics');
    const line = body.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }

  get outputFile(): string {
    return join(this.folder, `${this.name}.out`);
  }

  get errorFile(): string {
    return join(this.folder, `${this.name}.err`);
  }

  /** All that it has logged, of earlier starts too. */
  output(): string {
    return readFileSync(this.outputFile, 'utf8');
  }

  /** All that it wrote on standard error, of earlier starts too. */
  errors(): string {
    return readFileSync(this.errorFile, 'utf8');
  }
}
