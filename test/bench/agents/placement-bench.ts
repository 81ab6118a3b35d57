import { type JobSpecSchema, JobType, OnDisconnect, type Outgoing, RestartMode } from '@cell/proto';
import type { CellClient } from '@cell/sdk';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { BenchOutput } from '../bench.ts';
import { percentile, rounded } from '../statistics.ts';
import { SimulatedFleet } from './simulated-fleet.ts';

export interface PlacementSizes {
  readonly members: number;
  readonly agents: number;
  readonly jobs: number;
  readonly instancesPerJob: number;
  /** Jobs that are submitted and not yet placed, at the same time. */
  readonly jobsInFlight: number;
}

export const PLACEMENT_SIZES: PlacementSizes = {
  members: 3,
  agents: 100,
  jobs: 100,
  instancesPerJob: 100,
  jobsInFlight: 4,
};

const JOB_MS_MAX = 60_000;

/** From the moment a job is submitted until each of its allocations has come to the agent that is to run it. */
export async function benchPlacement(output: BenchOutput, sizes: PlacementSizes = PLACEMENT_SIZES): Promise<void> {
  const watch = new PlacementWatch(sizes.instancesPerJob);
  const simulated = await SimulatedFleet.start(sizes, { onPlaced: (jobs) => watch.placed(jobs) });
  try {
    const client = simulated.fleet.operators();
    output.progress(`placement: ${sizes.agents} agents are ready; submitting ${sizes.jobs} jobs`);
    let next = 0;
    const submit = async () => {
      for (next += 1; next <= sizes.jobs; next += 1) await placeJob(client, watch, `job-${next}`);
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: Math.min(sizes.jobsInFlight, sizes.jobs) }, submit));
    const seconds = (performance.now() - startMs) / 1000;
    report(output, sizes, watch, seconds);
  } finally {
    await simulated.stop();
  }
}

/** Resolves once all instances of the new job have come to their agents. */
export async function placeJob(client: CellClient, watch: PlacementWatch, name: string): Promise<void> {
  watch.submitted(name);
  await client.jobs.submitJob({ spec: jobSpec(name, watch.instancesPerJob) });
  await waitFor(() => watch.complete(name), { what: `job "${name}" to be placed`, timeoutMs: JOB_MS_MAX, pollMs: 1 });
}

/** When jobs were submitted, and how long each of their allocations took. */
export class PlacementWatch {
  readonly instancesPerJob: number;
  readonly latenciesMs: number[] = [];
  readonly #submittedMs = new Map<string, number>();
  readonly #missing = new Map<string, number>();

  constructor(instancesPerJob: number) {
    this.instancesPerJob = instancesPerJob;
  }

  submitted(job: string): void {
    this.#submittedMs.set(job, performance.now());
    this.#missing.set(job, this.instancesPerJob);
  }

  placed(jobs: readonly string[]): void {
    const nowMs = performance.now();
    for (const job of jobs) {
      this.latenciesMs.push(nowMs - (this.#submittedMs.get(job) ?? nowMs));
      this.#missing.set(job, (this.#missing.get(job) ?? 0) - 1);
    }
  }

  complete(job: string): boolean {
    return this.#missing.get(job) === 0;
  }
}

function jobSpec(name: string, count: number): Outgoing<typeof JobSpecSchema> {
  return {
    name,
    type: JobType.SERVICE,
    count,
    command: ['sleep', 'infinity'],
    resources: { cpuMillis: 100, memoryMib: 64 },
    restart: { mode: RestartMode.ALWAYS, attempts: 3, windowMs: 60_000, delayMs: 1_000, delayMaxMs: 30_000 },
    onDisconnect: OnDisconnect.KEEP,
    stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
  };
}

function report(output: BenchOutput, sizes: PlacementSizes, watch: PlacementWatch, seconds: number): void {
  const config = { ...sizes, allocations: watch.latenciesMs.length, seconds: rounded(seconds) };
  const perSecond = Math.round(watch.latenciesMs.length / seconds);
  output.measured({ name: 'placement.per_second', value: perSecond, unit: '1/s', config });
  for (const [name, share] of [
    ['placement.p50_ms', 0.5],
    ['placement.p99_ms', 0.99],
  ] as const) {
    output.measured({ name, value: rounded(percentile(watch.latenciesMs, share), 1), unit: 'ms', config });
  }
}
