/** Measures the product: `npm run bench -- [name…]`. One JSON object a line on standard output, all else on the other. */
import { cpus } from 'node:os';
import { benchAgents } from './agents/agents-bench.ts';
import { benchPlacement } from './agents/placement-bench.ts';
import { benchApi } from './api/api-bench.ts';
import type { Bench, Measurement } from './bench.ts';
import { benchFailover } from './failover-bench.ts';
import { benchFootprint } from './footprint-bench.ts';
import { benchRaft } from './raft/raft-bench.ts';
import { benchSnapshots } from './raft/snapshot-bench.ts';
import { benchTls } from './tls/tls-bench.ts';
import { benchUnits } from './units-bench.ts';

const benches: ReadonlyMap<string, Bench> = new Map<string, Bench>([
  ['raft', (output) => benchRaft(output)],
  ['snapshots', (output) => benchSnapshots(output)],
  ['api', (output) => benchApi(output)],
  ['failover', (output) => benchFailover(output)],
  ['placement', (output) => benchPlacement(output)],
  ['footprint', (output) => benchFootprint(output)],
  ['agents', (output) => benchAgents(output)],
  ['tls', (output) => benchTls(output)],
  ['units', (output) => benchUnits(output)],
]);

const machine = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model ?? '' };

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print({ name, value, unit, config }: Measurement): void {
  process.stdout.write(`${JSON.stringify({ name, value, unit, config: { ...config, ...machine } })}\n`);
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !benches.has(name));
  if (unknown.length > 0) {
    const known = [...benches.keys()].join(', ');
    say(`CELL_E_USAGE: No bench is called "${unknown.join('", "')}"; there are: ${known}. Without a name all are run`);
    process.exitCode = 1;
    return;
  }
  for (const [name, bench] of benches) {
    if (names.length > 0 && !names.includes(name)) continue;
    say(`${name}: begins`);
    await bench({ measured: print, progress: say });
  }
}

await main(process.argv.slice(2));
