import { readdirSync, readFileSync } from 'node:fs';

/** A process for ever: the kernel gives a number again, but not with the same start. */
export interface WorkloadProcess {
  readonly pid: number;
  /** In clock ticks since the machine's start. */
  readonly startTicks: number;
}

/** Processes that carry the allocation's id in their environment, as the kernel knows them: no word of Cell's is taken. */
export function workloadProcesses(allocationId: string): WorkloadProcess[] {
  const needle = Buffer.from(`\0CELL_ALLOCATION=${allocationId}\0`);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && environmentOf(pid).includes(needle))
    .flatMap((pid) => identityOf(pid) ?? [])
    .sort((one, other) => one.pid - other.pid);
}

function environmentOf(pid: number): Buffer {
  try {
    return Buffer.concat([Buffer.from([0]), readFileSync(`/proc/${pid}/environ`), Buffer.from([0])]);
  } catch {
    return Buffer.alloc(0);
  }
}

function identityOf(pid: number): WorkloadProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22 of proc(5), counted after the command's name in parentheses.
    return { pid, startTicks: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) };
  } catch {
    return undefined;
  }
}
