import type { BenchOutput } from '../bench.ts';
import { median } from '../statistics.ts';
import { BenchGroup } from './bench-group.ts';
import { RAFT_SETTINGS } from './bench-member.ts';
import type { LoadRequest, LoadResult } from './load.ts';

export interface RaftSizes {
  readonly members: number;
  readonly inFlight: readonly number[];
  readonly valueBytes: number;
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

export const RAFT_SIZES: RaftSizes = {
  members: 3,
  inFlight: [1, 64, 256],
  valueBytes: 256,
  warmUpMs: 2_000,
  rounds: 5,
  roundMs: 2_000,
};

/** A change of leadership spoils a round; it is repeated so often. */
const ATTEMPTS_MAX = 3;

/** Proposals made in the leader's process: how many per second, and how long until each was committed and applied. */
export async function benchRaft(output: BenchOutput, sizes: RaftSizes = RAFT_SIZES): Promise<void> {
  const group = await BenchGroup.start(sizes.members);
  try {
    const { valueBytes } = sizes;
    await attempt(group, { inFlight: Math.max(...sizes.inFlight), durationMs: sizes.warmUpMs, valueBytes });
    const results = new Map(sizes.inFlight.map((inFlight) => [inFlight, [] as LoadResult[]]));
    for (let round = 1; round <= sizes.rounds; round += 1) {
      // In turn rather than one after the other, so that what else the machine does meets all alike.
      for (const [inFlight, found] of results) {
        const result = await attempt(group, { inFlight, durationMs: sizes.roundMs, valueBytes });
        found.push(result);
        output.progress(
          `raft: round ${round} of ${sizes.rounds}, ${inFlight} in flight: ${result.perSecond} per second`,
        );
      }
    }
    for (const [inFlight, found] of results) report(output, inFlight, found, sizes);
  } finally {
    await group.stop();
  }
}

async function attempt(group: BenchGroup, load: LoadRequest): Promise<LoadResult> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await group.load(load);
    } catch (error) {
      if (attempts === ATTEMPTS_MAX) throw error;
    }
  }
}

function report(output: BenchOutput, inFlight: number, found: readonly LoadResult[], sizes: RaftSizes): void {
  const { members, valueBytes, rounds, roundMs } = sizes;
  const figures = [
    { key: 'perSecond', name: 'per_second', unit: '1/s' },
    { key: 'p50Ms', name: 'p50_ms', unit: 'ms' },
    { key: 'p99Ms', name: 'p99_ms', unit: 'ms' },
  ] as const;
  for (const { key, name, unit } of figures) {
    const all = found.map((result) => result[key]);
    output.measured({
      name: `raft.inflight${inFlight}.${name}`,
      value: median(all),
      unit,
      config: { members, inFlight, valueBytes, rounds, roundMs, sync: true, ...RAFT_SETTINGS, all },
    });
  }
}
