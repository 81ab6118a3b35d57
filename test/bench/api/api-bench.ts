import type { BenchOutput } from '../bench.ts';
import type { LoadResult } from '../raft/load.ts';
import { median, rounded } from '../statistics.ts';
import { h2loadMissing } from './h2load.ts';
import { startMeasuredCell } from './measured-cell.ts';
import { startMeasuredEtcd } from './measured-etcd.ts';
import type { MeasuredSystem, Operation } from './measured-system.ts';

export interface ApiSizes {
  readonly members: number;
  readonly inFlight: readonly number[];
  readonly valueBytes: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  /** Program of etcd, to be measured in turn; undefined for Cell alone. */
  readonly etcd: string | undefined;
}

export const API_SIZES: ApiSizes = {
  members: 3,
  inFlight: [1, 64, 256],
  valueBytes: 256,
  warmUpSeconds: 3,
  rounds: 5,
  roundSeconds: 2,
  etcd: process.env['ETCD'],
};

/** What is compared: our stream has no counterpart in etcd 3.4, so it is set beside etcd's unary writes. */
const COUNTERPART: Readonly<Record<Operation, Operation>> = {
  writes: 'writes',
  reads: 'reads',
  stream_writes: 'writes',
};

type Results = Map<string, LoadResult[]>;

/** Writes and linearizable reads through the API, at the leader: real members, one client. */
export async function benchApi(output: BenchOutput, sizes: ApiSizes = API_SIZES): Promise<void> {
  const missing = h2loadMissing();
  if (missing !== undefined) output.progress(`api: unary calls are left out: ${missing}`);
  const systems: MeasuredSystem[] = [];
  try {
    systems.push(await startMeasuredCell(sizes.members, sizes.valueBytes));
    if (sizes.etcd !== undefined && missing === undefined) {
      systems.push(await startMeasuredEtcd(sizes.etcd, sizes.members, sizes.valueBytes));
    }
    const results = await measure(systems, output, sizes);
    for (const system of systems) {
      for (const { key, operation, inFlight } of cases(system, sizes)) {
        report(output, key, results.get(key) ?? [], sizes, inFlight);
        const other = results.get(keyOf('etcd', COUNTERPART[operation], inFlight));
        if (system.name === 'cell' && other !== undefined) compare(output, key, results.get(key) ?? [], other);
      }
    }
  } finally {
    for (const system of systems) await system.stop();
  }
}

/** In turn rather than one after the other, so that what else the machine does meets all alike. */
async function measure(systems: readonly MeasuredSystem[], output: BenchOutput, sizes: ApiSizes): Promise<Results> {
  const results: Results = new Map();
  const inFlightMax = Math.max(...sizes.inFlight);
  for (const system of systems) {
    for (const operation of system.operations) await system.load(operation, inFlightMax, sizes.warmUpSeconds);
  }
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const system of systems) {
      for (const { key, operation, inFlight } of cases(system, sizes)) {
        const result = await system.load(operation, inFlight, sizes.roundSeconds);
        results.set(key, [...(results.get(key) ?? []), result]);
        const rate = `${result.perSecond} per second, p50 ${result.p50Ms} ms`;
        output.progress(`api: round ${round} of ${sizes.rounds}, ${key}: ${rate}`);
      }
    }
  }
  return results;
}

function cases({ name, operations }: MeasuredSystem, { inFlight }: ApiSizes) {
  return operations.flatMap((operation) =>
    inFlight.map((count) => ({ key: keyOf(name, operation, count), operation, inFlight: count })),
  );
}

/** "writes64" of ours, "etcd.writes64" of etcd. */
function keyOf(system: string, operation: Operation, inFlight: number): string {
  return `${system === 'cell' ? '' : `${system}.`}${operation}${inFlight}`;
}

function report(
  output: BenchOutput,
  key: string,
  found: readonly LoadResult[],
  sizes: ApiSizes,
  inFlight: number,
): void {
  const figures = [
    { figure: 'perSecond', name: 'per_second', unit: '1/s' },
    { figure: 'p50Ms', name: 'p50_ms', unit: 'ms' },
    { figure: 'p99Ms', name: 'p99_ms', unit: 'ms' },
  ] as const;
  const { members, valueBytes, rounds, roundSeconds } = sizes;
  for (const { figure, name, unit } of figures) {
    const all = found.map((result) => result[figure]);
    const config = { members, inFlight, valueBytes, rounds, roundSeconds, settings: 'default', sync: true, all };
    output.measured({ name: `api.${key}.${name}`, value: median(all), unit, config });
  }
}

/** Medians of ours over medians of etcd: above 1 is faster per second, and slower in latency. */
function compare(output: BenchOutput, key: string, ours: readonly LoadResult[], theirs: readonly LoadResult[]): void {
  for (const [figure, name] of [
    ['perSecond', 'per_second'],
    ['p50Ms', 'p50'],
  ] as const) {
    const [own, other] = [ours, theirs].map((found) => median(found.map((result) => result[figure])));
    const value = rounded((own as number) / (other as number), 2);
    output.measured({ name: `api.${key}.${name}_to_etcd`, value, unit: 'ratio', config: { own, other } });
  }
}
