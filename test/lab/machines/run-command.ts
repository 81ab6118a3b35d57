import { type ChildProcess, spawn } from 'node:child_process';

/** What is kept of each output: a command that never stops talking must not fill the memory. */
const OUTPUT_LENGTH_MAX = 16 * 1024 * 1024;

export interface CommandEnd {
  /** 128 + n for signal n. */
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

const SIGNAL_EXIT_CODE = 128 + 9;

/** A program of the host that runs; its output is collected. */
export class RunningCommand {
  output = '';
  errors = '';
  readonly child: ChildProcess;
  readonly ended: Promise<CommandEnd>;

  constructor(program: string, words: readonly string[], input = '') {
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (this.output.length < OUTPUT_LENGTH_MAX) this.output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.errors.length < OUTPUT_LENGTH_MAX) this.errors += text;
    });
    // It need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    this.child = child;
    this.ended = new Promise((ended, failed) => {
      child.once('error', failed);
      child.once('close', (code) =>
        ended({ exitCode: code ?? SIGNAL_EXIT_CODE, output: this.output, errors: this.errors }),
      );
    });
    // Whoever waits for the end hears of it; nobody has to.
    this.ended.catch(() => undefined);
  }
}

/** Runs a program of the host to its end. Rejects, with what it complained of, if it fails. */
export async function runCommand(program: string, words: readonly string[], input = ''): Promise<string> {
  const { exitCode, output, errors } = await new RunningCommand(program, words, input).ended;
  if (exitCode === 0) return output;
  throw new Error(`"${program} ${words.join(' ')}" ended with ${exitCode}: ${errors.trim() || output.trim()}`);
}
