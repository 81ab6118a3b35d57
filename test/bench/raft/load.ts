import { percentile, rounded } from '../statistics.ts';

export interface LoadRequest {
  /** Proposals that are always under way: a new one begins when one ends. */
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

/** Proposals of one round at most; one that comes this far ends early. */
const COMPLETED_MAX = 5_000_000;

/** Keeps `inFlight` proposals under way for the given time. Rejects with the first one that fails. */
export async function runLoad(propose: (data: Uint8Array) => Promise<unknown>, load: LoadRequest): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const value = new Uint8Array(load.valueBytes).fill(0x76);
  const startMs = performance.now();
  const endMs = startMs + load.durationMs;
  const work = async () => {
    for (let nowMs = performance.now(); nowMs < endMs && latenciesMs.length < COMPLETED_MAX; ) {
      // A buffer of its own each: the log keeps it.
      await propose(value.slice());
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
