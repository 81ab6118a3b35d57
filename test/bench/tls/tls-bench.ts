import type { Bench, BenchOutput } from '../bench.ts';
import { compareFleets, type FleetSizes } from './compare-fleets.ts';
import { compareRaft, type RaftComparison } from './compare-raft.ts';
import { measureReturn, type ReturnSizes } from './measure-return.ts';

export interface TlsSizes {
  readonly raft: RaftComparison;
  readonly fleets: FleetSizes;
  readonly comeback: ReturnSizes;
}

export const TLS_SIZES: TlsSizes = {
  raft: { members: 3, inFlight: [1, 64, 256], valueBytes: 256, warmUpMs: 2_000, rounds: 5, roundMs: 2_000 },
  fleets: { members: 3, agents: 100, rounds: 5, idleMs: 6_000, jobs: 10, instancesPerJob: 100 },
  comeback: { members: 3, agents: 1_000, rounds: 3 },
};

/** What TLS costs: everything is measured with it and without, in turn, in one run. */
export async function benchTls(output: BenchOutput, sizes: TlsSizes = TLS_SIZES): Promise<void> {
  const parts: readonly Bench[] = [
    (to) => compareRaft(to, sizes.raft),
    (to) => compareFleets(to, sizes.fleets),
    (to) => measureReturn(to, sizes.comeback),
  ];
  for (const part of parts) await part(output);
}
