import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One run of a workload, as the workload itself has told. */
export interface WitnessedRun {
  readonly job: string;
  readonly allocation: string;
  readonly node: string;
  readonly pid: number;
  /** Wall clock, in milliseconds, as `stoppedMs`. */
  readonly startedMs: number;
  /** Undefined while it runs, and if it was killed. */
  readonly stoppedMs: number | undefined;
}

/** `wait` ends as soon as a signal comes, unlike a child in the foreground. */
const SCRIPT = `
tell() { echo "$1 $CELL_JOB $CELL_ALLOCATION $CELL_NODE $$ $(date +%s%3N)" >>"$WITNESS"; }
trap 'tell stopped; exit 0' TERM
tell started
while :; do sleep 3600 & wait $!; done
`;

/** Where workloads write down that they were started and stopped: what no daemon can get wrong. */
export class Witness {
  readonly #file: string;

  /** `folder`: the fleet's own, which no node's end takes along. */
  constructor(folder: string) {
    this.#file = join(folder, 'witness');
  }

  /** A job file for workloads that write here. `settings`: more of the top level; `tables`: whole tables. */
  job(name: string, { settings = 'count = 3', tables = '' } = {}): string {
    return `name = "${name}"
command = ["sh", "-c", ${JSON.stringify(SCRIPT)}]
${settings}

[environment]
WITNESS = "${this.#file}"

[resources]
cpu = 0.01
memory = "1MiB"
${tables}`;
  }

  /** All runs of the job so far, in the order of their starts. */
  runs(job: string): WitnessedRun[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').trim().split('\n');
    const words = lines.map((line) => line.split(' ')).filter((line) => line[1] === job);
    return words
      .filter(([what]) => what === 'started')
      .map(([, , allocation = '', node = '', pid = '', startedMs]) => {
        const stopped = words.find((line) => line[0] === 'stopped' && line[2] === allocation && line[4] === pid);
        return {
          job,
          allocation,
          node,
          pid: Number(pid),
          startedMs: Number(startedMs),
          stoppedMs: stopped === undefined ? undefined : Number(stopped[5]),
        };
      });
  }

  /** Runs whose process is there. */
  living(job: string): WitnessedRun[] {
    return this.runs(job).filter(({ pid, allocation }) => isRun(pid, allocation));
  }
}

/** Numbers of processes are used again, allocations' ids are not. */
function isRun(pid: number, allocation: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(`CELL_ALLOCATION=${allocation}`);
  } catch {
    return false;
  }
}
