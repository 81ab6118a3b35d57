import {
  type AllocationReportSchema,
  type ExecOutputSchema,
  type HeartbeatSchema,
  type HelloSchema,
  LogStream,
  type Outgoing,
  AllocationState as SaidState,
  type UsageSchema,
} from '@cell/proto';
import type { AllocationReport } from '../execute/allocation-manager.ts';
import type { Inventory } from '../inventory/read-inventory.ts';
import type { NodeHealth } from '../inventory/read-node-health.ts';
import type { ExecOutput, LogStreamName, Usage } from '../ports.ts';
import type { AllocationState } from '../reconcile/model.ts';

/** Members refuse longer ones. */
const MESSAGE_CHARACTERS_MAX = 900;
const MIB = 2 ** 20;

const STATES: Readonly<Record<AllocationState, SaidState>> = {
  pending: SaidState.PENDING,
  starting: SaidState.STARTING,
  running: SaidState.RUNNING,
  healthy: SaidState.HEALTHY,
  unhealthy: SaidState.UNHEALTHY,
  complete: SaidState.COMPLETE,
  failed: SaidState.FAILED,
  stopped: SaidState.STOPPED,
};

export function reportToProto(report: AllocationReport): Outgoing<typeof AllocationReportSchema> {
  const { id, state, message, restarts, exitCode } = report;
  const short = message.length > MESSAGE_CHARACTERS_MAX ? `${message.slice(0, MESSAGE_CHARACTERS_MAX)}…` : message;
  return { id, state: STATES[state], restarts, message: short, ...(exitCode === null ? {} : { exitCode }) };
}

/** Who this agent is and what runs here. */
export interface Introduction {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly agentVersion: string;
  readonly inventory: Inventory;
  readonly httpAddress: string;
  readonly generation: number;
  readonly clusterId: string;
  readonly allocations: readonly AllocationReport[];
}

export function helloToProto(introduction: Introduction): Outgoing<typeof HelloSchema> {
  const { inventory, allocations, generation, ...rest } = introduction;
  const { cpuMillis, memoryMib, diskFreeMib, ...others } = inventory;
  return {
    ...rest,
    generation: BigInt(generation),
    inventory: { ...others, capacity: { cpuMillis, memoryMib }, diskFreeMib: BigInt(diskFreeMib) },
    allocations: allocations.map(reportToProto),
  };
}

/** What a heartbeat says besides its number. */
export interface VitalSigns {
  readonly health: NodeHealth;
  readonly usage: ReadonlyMap<string, Usage>;
}

export function heartbeatToProto(sequence: number, { health, usage }: VitalSigns): Outgoing<typeof HeartbeatSchema> {
  return {
    sequence: BigInt(sequence),
    loadMilli: Math.round(health.load * 1_000),
    memoryAvailableMib: BigInt(Math.floor(health.memoryAvailableBytes / MIB)),
    diskFreeMib: BigInt(Math.floor(health.diskFreeBytes / MIB)),
    usage: Object.fromEntries([...usage].map(([id, one]) => [id, usageToProto(one)])),
  };
}

function usageToProto(usage: Usage): Outgoing<typeof UsageSchema> {
  const { cpuTimeMs, memoryBytes, processes, readAtMs, ioReadBytes, ioWriteBytes, pressure, oomKills } = usage;
  const readAt = { seconds: BigInt(Math.floor(readAtMs / 1_000)), nanos: (readAtMs % 1_000) * 1_000_000 };
  return {
    cpuTimeMs: BigInt(cpuTimeMs),
    memoryBytes: BigInt(memoryBytes),
    processes,
    readAt,
    // What the machine can't tell is left out, which is not 0.
    ...(ioReadBytes === undefined ? {} : { ioReadBytes: BigInt(ioReadBytes) }),
    ...(ioWriteBytes === undefined ? {} : { ioWriteBytes: BigInt(ioWriteBytes) }),
    ...(pressure === undefined ? {} : { pressure }),
    ...(oomKills === undefined ? {} : { oomKills }),
  };
}

export function execOutputToProto(output: ExecOutput): Outgoing<typeof ExecOutputSchema> {
  if (output.type === 'exit') return { output: { case: 'exitCode', value: output.exitCode } };
  return { output: { case: output.type, value: output.data } };
}

export function streamToProto(stream: LogStreamName): LogStream {
  return stream === 'stdout' ? LogStream.STDOUT : LogStream.STDERR;
}
