import { specToProto } from '@cell/job/wire';
import { type Allocation, AllocationState, type CellClient, DesiredState, type Job, parseJobFile } from '@cell/sdk';
import { waitFor } from './wait-for.ts';

/** Enough for a fleet on a busy machine; where the time matters, the test measures it itself. */
const SETTLED_MS_MAX = 60_000;

const ENDED: ReadonlySet<AllocationState> = new Set([
  AllocationState.COMPLETE,
  AllocationState.FAILED,
  AllocationState.STOPPED,
  AllocationState.LOST,
]);

/** Submits a job file, and gives the version that it became. */
export async function runJob(client: CellClient, toml: string): Promise<bigint> {
  const parsing = parseJobFile(toml, '-');
  if ('problems' in parsing) throw new Error(parsing.problems.map(({ text }) => text).join('\n'));
  return (await client.jobs.submitJob({ spec: specToProto(parsing.spec) })).version;
}

export function hasEnded({ state }: Allocation): boolean {
  return ENDED.has(state);
}

/** What shall run of the job and has not ended, ordered by instance. */
export async function instancesOf(client: CellClient, job: string): Promise<Allocation[]> {
  const { allocations } = await client.jobs.getJob({ name: job });
  return allocations
    .filter((allocation) => !hasEnded(allocation) && allocation.desired === DesiredState.RUN)
    .sort((one, other) => one.instance - other.instance || (one.nodeName < other.nodeName ? -1 : 1));
}

export interface Settled {
  readonly count: number;
  /** Default: any. */
  readonly version?: bigint;
  readonly timeoutMs?: number;
}

/** Waits until so many instances of the job are healthy, and no others are left, and gives them. */
export async function settled(
  client: CellClient,
  job: string,
  { count, version, timeoutMs = SETTLED_MS_MAX }: Settled,
): Promise<Allocation[]> {
  const what = `${count} healthy instances of job "${job}"${version === undefined ? '' : ` in version ${version}`}`;
  return waitFor(
    async () => {
      const { allocations } = await client.jobs.getJob({ name: job });
      const left = allocations.filter((allocation) => !hasEnded(allocation));
      const right = left.filter(
        ({ desired, state, jobVersion }) =>
          desired === DesiredState.RUN &&
          state === AllocationState.HEALTHY &&
          (version === undefined || jobVersion === version),
      );
      return right.length === count && left.length === count ? instancesOf(client, job) : undefined;
    },
    { what, timeoutMs, pollMs: 100 },
  );
}

/** Waits until the fleet says of the job what is asked for, and gives it. */
export async function jobThat(
  client: CellClient,
  name: string,
  asked: (job: Job) => boolean,
  what: string,
): Promise<Job> {
  return waitFor(
    async () => {
      const { job } = await client.jobs.getJob({ name });
      return job !== undefined && asked(job) ? job : undefined;
    },
    { what: `job "${name}" to be ${what}`, timeoutMs: SETTLED_MS_MAX, pollMs: 100 },
  );
}
