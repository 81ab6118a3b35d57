import { percentile, rounded } from '../statistics.ts';

export interface LoadRequest {
  /** "reads" wait until a linearizable read could be served: nothing is written. */
  readonly operation: 'proposals' | 'reads';
  /** Operations that are always under way: a new one begins when one ends. */
  readonly inFlight: number;
  readonly durationMs: number;
  readonly valueBytes: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly completed: number;
}

/** Operations of one round at most; one that comes this far ends early. */
const COMPLETED_MAX = 5_000_000;

/** Keeps `inFlight` operations under way for the given time. Rejects with the first one that fails. */
export async function runLoad(
  operate: () => Promise<unknown>,
  load: Pick<LoadRequest, 'inFlight' | 'durationMs'>,
): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + load.durationMs;
  const work = async () => {
    for (let nowMs = performance.now(); nowMs < endMs && latenciesMs.length < COMPLETED_MAX; ) {
      await operate();
      const thenMs = performance.now();
      latenciesMs.push(thenMs - nowMs);
      nowMs = thenMs;
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, work));
  const seconds = (performance.now() - startMs) / 1000;
  return {
    perSecond: Math.round(latenciesMs.length / seconds),
    p50Ms: rounded(percentile(latenciesMs, 0.5), 3),
    p99Ms: rounded(percentile(latenciesMs, 0.99), 3),
    completed: latenciesMs.length,
  };
}
