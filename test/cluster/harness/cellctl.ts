import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { waitFor } from './wait-for.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../bin/cellctl');
const RUN_MS_MAX = 60_000;

export interface CellctlEnd {
  /** Undefined if a signal ended it that it does not handle. */
  readonly exitCode: number | undefined;
  readonly output: string;
  readonly errors: string;
}

/** Where it finds its control plane, and who it is to it. */
export interface CellctlEnvironment {
  readonly CELL_ADDR: string;
  /** Absent: it has no token. */
  readonly CELL_TOKEN_FILE?: string;
  readonly CELL_CONTEXT?: string;
  readonly HOME?: string;
  /** Others, such as those of `fakeClockEnvironment`. */
  readonly [name: string]: string | undefined;
}

/** A real cellctl that runs. */
export class RunningCellctl {
  output = '';
  errors = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(words: readonly string[], environment: CellctlEnvironment, input: string) {
    const env = { ...process.env, ...environment, NO_COLOR: '' };
    const child = spawn(PROGRAM, words, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.on('data', (data: Buffer) => {
      this.output += data.toString('utf8');
    });
    child.stderr.on('data', (data: Buffer) => {
      this.errors += data.toString('utf8');
    });
    // It need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    this.#child = child;
    this.#ended = new Promise((ended, failed) => {
      child.once('error', failed);
      child.once('close', (code) => ended(code));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has said something that fits, on either output. */
  async said(what: RegExp): Promise<void> {
    await waitFor(() => what.test(this.output) || what.test(this.errors), {
      what: `cellctl to say ${what}`,
      timeoutMs: RUN_MS_MAX,
    });
  }

  async ended(timeoutMs = RUN_MS_MAX): Promise<CellctlEnd> {
    await waitFor(() => this.#child.exitCode !== null || this.#child.signalCode !== null, {
      what: 'cellctl to end',
      timeoutMs,
    });
    return { exitCode: (await this.#ended) ?? undefined, output: this.output, errors: this.errors };
  }
}

export type Cellctl = ReturnType<typeof cellctlWith>;

/** `cellctl` with these variables. */
export function cellctlWith(environment: CellctlEnvironment) {
  return {
    start: (...words: string[]) => new RunningCellctl(words, environment, ''),
    run: (...words: string[]) => new RunningCellctl(words, environment, '').ended(),
    runWith: (input: string, ...words: string[]) => new RunningCellctl(words, environment, input).ended(),
  };
}
