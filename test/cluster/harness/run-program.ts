import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const PROGRAMS = resolve(import.meta.dirname, '../../../bin');
const RUN_MS_MAX = 60_000;

export interface ProgramEnd {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program of bin/ to its end. `input`: what it reads. */
export function runProgram(program: string, words: readonly string[], input = ''): Promise<ProgramEnd> {
  return new Promise((done) => {
    const options = { timeout: RUN_MS_MAX, killSignal: 'SIGKILL' } as const;
    const child = execFile(resolve(PROGRAMS, program), words, options, (error, output, errors) =>
      done({ exitCode: error === null ? 0 : Number(error.code), output, errors }),
    );
    // It need not read what it is given.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
