import { execFileSync, spawnSync } from 'node:child_process';

/** Runs a program of the system, and gives what it printed. Throws, with what it complained of, if it fails. */
export function systemCommand(program: string, words: readonly string[], input = ''): string {
  return execFileSync(program, words, { input, encoding: 'utf8', stdio: 'pipe' });
}

/** Whether the program is there and succeeds. */
export function succeeds(program: string, words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0;
}
