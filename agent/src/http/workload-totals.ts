import type { Usage } from '../ports.ts';

/** What the allocations of a job use on this node, or have used since the agent was started. */
export interface JobUsage {
  cpuTimeMs: number;
  /** Undefined here and below: this machine can't tell. */
  ioReadBytes: number | undefined;
  ioWriteBytes: number | undefined;
  oomKills: number | undefined;
  /** Of what runs now. */
  memoryBytes: number;
  tasks: number;
  /** Of the allocation that waits most, in hundredths of a percent. */
  pressure: Usage['pressure'];
}

/** Names of jobs that metrics tell apart; all further ones are told as `OTHER_JOBS`. */
export const JOBS_MAX = 100;
export const OTHER_JOBS = 'other';

type Counter = 'cpuTimeMs' | 'ioReadBytes' | 'ioWriteBytes' | 'oomKills';
const COUNTERS: readonly Counter[] = ['cpuTimeMs', 'ioReadBytes', 'ioWriteBytes', 'oomKills'];

/**
 * Adds up by job what is read by allocation. Counters never go back: not when an allocation ends, and not when its next run
 * begins at 0 again. What was used between the last reading of a run and its end is not known.
 */
export class WorkloadTotals {
  readonly #jobs = new Map<string, JobUsage>();
  readonly #others = new Set<string>();
  /** Newest reading of each allocation that runs. */
  readonly #readings = new Map<string, Usage>();

  /** By name of the job; at most `JOBS_MAX` and `OTHER_JOBS`. */
  get jobs(): ReadonlyMap<string, Readonly<JobUsage>> {
    return this.#jobs;
  }

  /** Jobs that are told as `OTHER_JOBS`; as many as are counted again. */
  get othersCount(): number {
    return this.#others.size;
  }

  /** Takes a reading of all that runs. `jobOf` gives undefined for what is not known any more. */
  take(usage: ReadonlyMap<string, Usage>, jobOf: (id: string) => string | undefined): void {
    for (const job of this.#jobs.values()) Object.assign(job, { memoryBytes: 0, tasks: 0, pressure: undefined });
    for (const [id, reading] of usage) {
      const job = jobOf(id);
      if (job !== undefined) this.#add(this.#usageOf(job), id, reading);
    }
    for (const id of this.#readings.keys()) if (!usage.has(id)) this.#readings.delete(id);
  }

  #add(job: JobUsage, id: string, reading: Usage): void {
    const before = this.#readings.get(id);
    const newest = before === undefined || before.readAtMs <= reading.readAtMs ? reading : before;
    for (const counter of COUNTERS) {
      const [now, last = 0] = [newest[counter], before?.[counter]];
      if (now !== undefined) job[counter] = (job[counter] ?? 0) + (now >= last ? now - last : now);
    }
    this.#readings.set(id, newest);
    job.memoryBytes += newest.memoryBytes;
    job.tasks += newest.processes;
    job.pressure = worst(job.pressure, newest.pressure);
  }

  #usageOf(name: string): JobUsage {
    const known = this.#jobs.get(name);
    if (known !== undefined) return known;
    const others = this.#jobs.get(OTHER_JOBS);
    const told = this.#jobs.size - (others === undefined ? 0 : 1);
    if (told >= JOBS_MAX && this.#others.size < OTHERS_NOTED_MAX) this.#others.add(name);
    if (told >= JOBS_MAX && others !== undefined) return others;
    const usage: JobUsage = {
      cpuTimeMs: 0,
      ioReadBytes: undefined,
      ioWriteBytes: undefined,
      oomKills: undefined,
      memoryBytes: 0,
      tasks: 0,
      pressure: undefined,
    };
    this.#jobs.set(told >= JOBS_MAX ? OTHER_JOBS : name, usage);
    return usage;
  }
}

const OTHERS_NOTED_MAX = 10_000;

function worst(one: Usage['pressure'], other: Usage['pressure']): Usage['pressure'] {
  if (one === undefined || other === undefined) return one ?? other;
  const { max } = Math;
  return { cpu: max(one.cpu, other.cpu), memory: max(one.memory, other.memory), io: max(one.io, other.io) };
}
