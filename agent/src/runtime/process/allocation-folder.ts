import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../agent-error.ts';
import type { Ended } from '../../reconcile/model.ts';
import { type ProcessIdentity, parseStat } from './process-identity.ts';
import type { UserAccount } from './user-account.ts';

/** Runs are counted in names that sort. */
const RUN_DIGITS = 6;
const RUN_NAME = /^run-(\d{6})$/;
const SIGNALLED = 128;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Where one allocation is kept: work/ (its own folder), logs/, and run-<n>/ of its newest run, which is the meeting
 * point of agent and supervisor (see supervisor.sh for the files).
 */
export class AllocationFolder {
  readonly path: string;
  readonly logs: string;
  readonly work: string;
  constructor(path: string) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.work = join(path, 'work');
  }

  run(run: number): string {
    return join(this.path, `run-${runName(run)}`);
  }

  /** The newest run that was begun; 0 if there is none. */
  newestRun(): number {
    return Math.max(0, ...this.#runs());
  }

  /** Makes what the supervisor of a run needs; drops older runs. */
  async prepare(
    run: number,
    environment: Readonly<Record<string, string>>,
    user: UserAccount | undefined,
  ): Promise<void> {
    const script = environmentScript(environment);
    // Another user must be able to pass through to its own folder, and to nothing else.
    const passage = user === undefined ? 0o700 : 0o711;
    await mkdir(this.path, { recursive: true, mode: passage });
    await chmod(this.path, passage);
    await mkdir(this.logs, { recursive: true, mode: 0o700 });
    await mkdir(this.work, { recursive: true, mode: 0o700 });
    if (user !== undefined) await chown(this.work, user.uid, user.gid);
    for (const older of this.#runs().filter((number) => number < run)) await rm(this.run(older), { recursive: true });
    await mkdir(this.run(run), { recursive: true, mode: 0o700 });
    await writeFile(join(this.run(run), 'environment'), script, { mode: 0o600 });
    // Room for the exit code is taken now: a full disk must not cost it.
    await writeFile(join(this.run(run), 'exit.prepared'), '    \n', { mode: 0o600 });
  }

  async markBoot(run: number, bootId: string): Promise<void> {
    await writeFile(join(this.run(run), 'boot'), bootId, { mode: 0o600 });
  }

  bootId(run: number): string {
    return this.#read(run, 'boot').trim();
  }

  /** Whether a supervisor has taken the run on. */
  claimed(run: number): boolean {
    return existsSync(join(this.run(run), 'claim'));
  }

  leader(run: number): ProcessIdentity | undefined {
    return wholeStat(this.#read(run, 'process'));
  }

  supervisor(run: number): ProcessIdentity | undefined {
    return wholeStat(this.#read(run, 'supervisor'));
  }

  /** "ready", why the command can't run, or empty: not known yet. */
  entry(run: number): string {
    const text = this.#read(run, 'entry');
    return text.endsWith('\n') ? text.trimEnd() : '';
  }

  /** Set once the run has ended under its supervisor. */
  ended(run: number): Ended | undefined {
    const text = this.#read(run, 'exit').trim();
    if (!/^\d{1,3}$/.test(text)) return undefined;
    const entry = this.entry(run);
    const exitCode = Number(text);
    // Ended by a signal before it was ready is a stop that came early, not a command that can't run.
    const unexplained =
      exitCode > SIGNALLED ? '' : 'Could not set up user and environment of the command; see its stderr';
    return { state: 'ended', exitCode, cannotRun: entry === 'ready' ? '' : entry || unexplained, message: '' };
  }

  /** Whether all output of the run is in its files. */
  drained(run: number): boolean {
    return existsSync(join(this.run(run), 'drained'));
  }

  #runs(): number[] {
    try {
      return readdirSync(this.path)
        .flatMap((name) => RUN_NAME.exec(name)?.[1] ?? [])
        .map(Number);
    } catch {
      return [];
    }
  }

  #read(run: number, name: string): string {
    try {
      return readFileSync(join(this.run(run), name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }
}

export function runName(run: number): string {
  return `${run}`.padStart(RUN_DIGITS, '0');
}

function wholeStat(line: string): ProcessIdentity | undefined {
  return line.endsWith('\n') ? parseStat(line) : undefined;
}

/** A shell script that gives exactly these variables to what is executed after it, and none of the supervisor's. */
export function environmentScript(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([name, value]) => {
    if (!VARIABLE_NAME.test(name) || value.includes('\0')) {
      throw new AgentError(
        'CELL_E_CANNOT_RUN',
        `Could not set the environment variable "${name}": names are letters, digits and "_", values are without NUL`,
      );
    }
    return `export ${name}='${value.replaceAll("'", "'\\''")}'\n`;
  });
  return `unset PATH LC_ALL PWD OLDPWD\n${lines.join('')}`;
}
