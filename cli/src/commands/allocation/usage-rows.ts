import type { GetAllocationResponse, Usage } from '@cell/sdk';
import type { Style } from '../../output/style.ts';
import { age } from '../../output/timestamp-text.ts';
import { bytes, countOf, seconds } from '../../output/units.ts';
import { isEnded } from './allocation-table.ts';

type Row = readonly [name: string, value: string];

const UNKNOWN = 'unknown';
const BYTES_PER_MIB = 1024 * 1024;

/** What an allocation uses: a line for each thing, "unknown" where its node can't tell. */
export function usageRows({ allocation, usage, limits }: GetAllocationResponse, style: Pick<Style, 'nowMs'>): Row[] {
  const ended = allocation === undefined || isEnded(allocation.state);
  if (usage === undefined) return ended ? [] : [['Uses', 'unknown: its agent has not told yet, or is away']];
  const { cpuTimeMs, memoryBytes, processes, readAt } = usage;
  return [
    ['CPU time', seconds(Number(cpuTimeMs))],
    ['Memory', memoryText(Number(memoryBytes), (limits?.memoryMaxMib ?? 0) * BYTES_PER_MIB)],
    ['Tasks', countOf(processes, 'process or thread', 'processes and threads')],
    ['Disk read', bytesText(usage.ioReadBytes)],
    ['Disk write', bytesText(usage.ioWriteBytes)],
    ['Waiting', pressureText(usage)],
    ['OOM kills', usage.oomKills === undefined ? UNKNOWN : String(usage.oomKills)],
    ['Read', readAt === undefined ? '' : `${age(readAt, style)} ago`],
  ];
}

function memoryText(used: number, max: number): string {
  if (max === 0) return bytes(used);
  return `${bytes(used)} of ${bytes(max)} (${Math.round((used / max) * 100)} %)`;
}

function bytesText(count: bigint | undefined): string {
  return count === undefined ? UNKNOWN : bytes(Number(count));
}

/** Shares of the last ten seconds. */
function pressureText({ pressure }: Usage): string {
  if (pressure === undefined) return UNKNOWN;
  const percent = (hundredths: number) => `${(hundredths / 100).toFixed(1)} %`;
  return `CPU ${percent(pressure.cpu)}, memory ${percent(pressure.memory)}, disk ${percent(pressure.io)} of the last 10 s`;
}
