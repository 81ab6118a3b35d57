import type { BenchOutput } from '../bench.ts';
import { BenchGroup } from '../raft/bench-group.ts';
import type { LoadRequest, LoadResult } from '../raft/load.ts';
import { Compared, MODES, type Mode } from './compared.ts';

export interface RaftComparison {
  readonly members: number;
  readonly inFlight: readonly number[];
  readonly valueBytes: number;
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** A change of leadership spoils a round; it is repeated so often. */
const ATTEMPTS_MAX = 3;

const OPERATIONS = [
  { operation: 'proposals', name: 'inflight' },
  { operation: 'reads', name: 'reads' },
] as const;

/** Proposals and linearizable reads of two groups of members, of which one talks in plain text. */
export async function compareRaft(output: BenchOutput, sizes: RaftComparison): Promise<void> {
  const groups = new Map<Mode, BenchGroup>();
  try {
    for (const mode of MODES) groups.set(mode, await BenchGroup.start(sizes.members, mode === 'tls'));
    const { valueBytes, warmUpMs, rounds, roundMs } = sizes;
    const cases = OPERATIONS.flatMap(({ operation, name }) =>
      sizes.inFlight.map((inFlight) => ({ operation, inFlight, name: `tls.raft.${name}${inFlight}` })),
    );
    for (const group of groups.values()) {
      await load(group, {
        operation: 'proposals',
        inFlight: Math.max(...sizes.inFlight),
        durationMs: warmUpMs,
        valueBytes,
      });
    }
    const rates = new Map(cases.map(({ name }) => [name, new Compared()]));
    const latencies = new Map(cases.map(({ name }) => [name, new Compared()]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const { operation, inFlight, name } of cases) {
        for (const [mode, group] of groups) {
          const found = await load(group, { operation, inFlight, durationMs: roundMs, valueBytes });
          rates.get(name)?.add(mode, found.perSecond);
          latencies.get(name)?.add(mode, found.p50Ms);
          output.progress(`tls: round ${round} of ${rounds}, ${name}, ${mode}: ${found.perSecond} per second`);
        }
      }
    }
    for (const { inFlight, name } of cases) {
      const config = { ...sizes, inFlight, sync: true };
      rates.get(name)?.report(output, `${name}.per_second`, '1/s', config);
      latencies.get(name)?.report(output, `${name}.p50_ms`, 'ms', config);
    }
  } finally {
    for (const group of groups.values()) await group.stop();
  }
}

async function load(group: BenchGroup, request: LoadRequest): Promise<LoadResult> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await group.load(request);
    } catch (error) {
      if (attempts === ATTEMPTS_MAX) throw error;
    }
  }
}
