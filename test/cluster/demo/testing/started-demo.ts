import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killBelow } from '../../harness/leftovers.ts';
import { waitFor } from '../../harness/wait-for.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const END_MS_MAX = 100_000;

/** A program of the demo with a temporary folder of its own, so that all it leaves behind is seen. */
export class StartedDemo {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cell-demo-test-'));
  readonly #child: ChildProcess;
  #output = '';

  /** The program's URL and its arguments. As the leader of a group, as if from a terminal. */
  constructor(file: string, ...words: readonly string[]) {
    this.#child = this.#spawn(file, words);
  }

  #spawn(file: string, words: readonly string[]): ChildProcess {
    const child = spawn(join(ROOT, 'scripts/run'), ['node', '--no-warnings', fileURLToPath(file), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.#folder, KEEP: '' },
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#output += data.toString();
      });
    }
    return child;
  }

  /** Another program in the same temporary folder; resolves to its exit code once it has ended. */
  async alsoRun(file: string, ...words: readonly string[]): Promise<number | null> {
    const child = this.#spawn(file, words);
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return exitCode;
  }

  /** All that was said so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has said so. */
  async said(text: string): Promise<void> {
    const ended = () => this.#child.exitCode !== null;
    const what = `the demo to say "${text}"`;
    await waitFor(() => this.#output.includes(text) || ended(), { what, timeoutMs: END_MS_MAX });
    if (!this.#output.includes(text)) throw new Error(`It ended without ${what}: ${this.#output}`);
  }

  /** To the whole group, as the terminal does for Ctrl-C. */
  interrupt(signal: NodeJS.Signals): void {
    process.kill(-this.#child.pid!, signal);
  }

  /** Resolves once it has ended and its output is closed. */
  async ended(): Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return { exitCode, signal: signalCode };
    const [code, signal] = (await once(this.#child, 'close')) as [number | null, NodeJS.Signals | null];
    return { exitCode: code, signal };
  }

  /** Processes and files of it that are there now. */
  left(): readonly string[] {
    return [...this.#processes(), ...readdirSync(this.#folder)];
  }

  /** Whatever names the folder; looked for in another way than the demo itself does, which may be wrong. */
  #processes(): string[] {
    const script = 'grep -alF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null';
    const { stdout } = spawnSync('sh', ['-c', script], { input: `${this.#folder}\n`, encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Ends it for certain. */
  dispose(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    killBelow(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
