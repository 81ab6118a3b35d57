import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { relative, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Fleet } from '../cluster/harness/fleet.ts';
import { DemoFailure } from './demo-failure.ts';
import type { Narrator } from './narrator.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = resolve(ROOT, 'bin/cellctl');
const RUN_MS_MAX = 75_000;

export interface CellctlAnswer {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The real command, as a person would use it. */
export class Cellctl {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #narrator: Narrator;

  constructor({ fleet, narrator }: { readonly fleet: Fleet; readonly narrator: Narrator }) {
    this.#narrator = narrator;
    // The folder in its environment makes it one of the processes that are ended when the demo is.
    const own = { ...environmentOf(fleet), CELL_DEMO_FOLDER: `${fleet.folder}/`, NO_COLOR: '1' };
    this.#environment = { ...process.env, ...own };
  }

  /** Runs it, and shows the command line and all that it says. Exit codes other than `accepted` are failures. */
  async show(words: readonly string[], accepted: readonly number[] = [0]): Promise<CellctlAnswer> {
    const line = commandLine(words);
    this.#narrator.command(line);
    const answer = await this.#narrator.during(line, this.#run(words));
    this.#narrator.quote(answer.errors + answer.output);
    if (answer.exitCode !== null && accepted.includes(answer.exitCode)) return answer;
    throw new DemoFailure(`"${line}" ended with exit code ${answer.exitCode}`);
  }

  /** Runs it silently, as a script would, and gives what it answers as JSON. */
  async ask<T>(words: readonly string[]): Promise<T> {
    const answer = await this.#run([...words, '-o', 'json']);
    if (answer.exitCode === 0) return JSON.parse(answer.output) as T;
    const line = commandLine([...words, '-o', 'json']);
    throw new DemoFailure(`"${line}" ended with exit code ${answer.exitCode}: ${answer.errors.trim()}`);
  }

  async #run(words: readonly string[]): Promise<CellctlAnswer> {
    const child = spawn(PROGRAM, words, {
      cwd: ROOT,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
      // Ctrl-C is for the demo, which then ends all it has started.
      detached: true,
    });
    const exited = once(child, 'close') as Promise<[number | null]>;
    const [output, errors, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    return { exitCode, output, errors };
  }
}

/** So that cellctl finds the fleet and may do everything. */
export function environmentOf(fleet: Fleet): Readonly<Record<string, string>> {
  return { CELL_ADDR: fleet.addresses.join(','), CELL_TOKEN_FILE: fleet.identity.adminTokenFile };
}

/** As one would type it in the repository. */
function commandLine(words: readonly string[]): string {
  return [relative(ROOT, PROGRAM), ...words.map((word) => (/^[\w./:@=-]+$/.test(word) ? word : `'${word}'`))].join(' ');
}
