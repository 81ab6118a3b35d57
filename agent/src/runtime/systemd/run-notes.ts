import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../../reconcile/model.ts';

/** What has to be known of a run when systemd has forgotten it. */
export interface RunNote {
  readonly run: number;
  readonly unit: string;
  /** The start of the machine in which it ran. */
  readonly bootId: string;
  /** Whether its cgroup is asked for killings for lack of memory: `asksForOom`. */
  readonly asksForOom: boolean;
  /** 0: none. */
  readonly memoryMaxMib: number;
  /** Undefined while it has not ended. */
  readonly ended?: Ended;
}

const ID = /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/;
const NAME = 'run.json';

/**
 * One small file per allocation, on its newest run. It must outlive the agent, not the machine: after a start of the
 * machine nothing runs any more, and what the agent's own state says is enough. So nothing is synced.
 */
export class RunNotes {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
  }

  ids(): string[] {
    return readdirSync(this.#folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && ID.test(entry.name))
      .map((entry) => entry.name);
  }

  /** Undefined if there is none, or none that is whole. */
  read(id: string): RunNote | undefined {
    try {
      const note = JSON.parse(readFileSync(this.#path(id), 'utf8')) as RunNote;
      return Number.isInteger(note.run) && typeof note.unit === 'string' ? note : undefined;
    } catch {
      return undefined;
    }
  }

  write(id: string, note: RunNote): void {
    const path = this.#path(id);
    mkdirSync(join(this.#folder, id), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(id: string): void {
    rmSync(join(this.#folder, id), { recursive: true, force: true });
  }

  #path(id: string): string {
    return join(this.#folder, id, NAME);
  }
}

/** Whether it can name a folder and a unit. */
export function isAllocationId(id: string): boolean {
  return ID.test(id);
}
