import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const PROGRAMS = resolve(import.meta.dirname, '../../../bin');
const RUN_MS_MAX = 60_000;

export interface ProgramEnd {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program of bin/ to its end. `input`: what it reads; `outputFile`: what its output goes to instead. */
export function runProgram(
  program: string,
  words: readonly string[],
  input = '',
  outputFile?: string,
): Promise<ProgramEnd> {
  const path = resolve(PROGRAMS, program);
  const command = outputFile === undefined ? [path, ...words] : ['sh', '-c', '"$@" >"$0"', outputFile, path, ...words];
  return new Promise((done) => {
    const options = { timeout: RUN_MS_MAX, killSignal: 'SIGKILL' } as const;
    const child = execFile(command[0]!, command.slice(1), options, (error, output, errors) =>
      done({ exitCode: error === null ? 0 : Number(error.code), output, errors }),
    );
    // It need not read what it is given.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
