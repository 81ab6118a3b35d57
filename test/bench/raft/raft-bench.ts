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

/** What is measured: with names of the figures that begin so. */
const OPERATIONS = [
  { operation: 'proposals', name: 'inflight' },
  { operation: 'reads', name: 'reads' },
] as const;

/**
 * Proposals and linearizable reads made in the leader's process: how many per second, and how long until a proposal was
 * committed and applied, or a read could be served.
 */
export async function benchRaft(output: BenchOutput, sizes: RaftSizes = RAFT_SIZES): Promise<void> {
  const group = await BenchGroup.start(sizes.members);
  try {
    const { valueBytes } = sizes;
    const inFlightMax = Math.max(...sizes.inFlight);
    for (const { operation } of OPERATIONS) {
      await attempt(group, { operation, inFlight: inFlightMax, durationMs: sizes.warmUpMs, valueBytes });
    }
    const cases = OPERATIONS.flatMap(({ operation, name }) =>
      sizes.inFlight.map((inFlight) => ({
        operation,
        name: `${name}${inFlight}`,
        inFlight,
        found: [] as LoadResult[],
      })),
    );
    for (let round = 1; round <= sizes.rounds; round += 1) {
      // In turn rather than one after the other, so that what else the machine does meets all alike.
      for (const { operation, name, inFlight, found } of cases) {
        const result = await attempt(group, { operation, inFlight, durationMs: sizes.roundMs, valueBytes });
        found.push(result);
        output.progress(`raft: round ${round} of ${sizes.rounds}, ${name}: ${result.perSecond} per second`);
      }
    }
    for (const { name, inFlight, found } of cases) report(output, name, inFlight, found, sizes);
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

function report(
  output: BenchOutput,
  key: string,
  inFlight: number,
  found: readonly LoadResult[],
  sizes: RaftSizes,
): void {
  const { members, valueBytes, rounds, roundMs } = sizes;
  const figures = [
    { figure: 'perSecond', name: 'per_second', unit: '1/s' },
    { figure: 'p50Ms', name: 'p50_ms', unit: 'ms' },
    { figure: 'p99Ms', name: 'p99_ms', unit: 'ms' },
  ] as const;
  for (const { figure, name, unit } of figures) {
    const all = found.map((result) => result[figure]);
    output.measured({
      name: `raft.${key}.${name}`,
      value: median(all),
      unit,
      config: { members, inFlight, valueBytes, rounds, roundMs, sync: true, ...RAFT_SETTINGS, all },
    });
  }
}
