import { readFileSync } from 'node:fs';

/**
 * Names one process for ever: the kernel gives the same id again, but not with the same start. `startTicks` counts
 * clock ticks since the machine's start (proc(5), field 22), so an identity is worth nothing after the next one.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** What this runtime reads of a line of /proc/PID/stat. */
export interface ProcessStat extends ProcessIdentity {
  /** "Z" is a zombie: ended, not yet collected by its parent. */
  readonly state: string;
  readonly session: number;
  /** Own and collected children's time, in clock ticks. */
  readonly cpuTicks: number;
  readonly memoryPages: number;
  /** Of its address space: none has a thread of the kernel. */
  readonly virtualBytes: number;
}

/** Undefined if the line is not whole. The name of the command may hold any character, parentheses too. */
export function parseStat(line: string): ProcessStat | undefined {
  const nameEnd = line.lastIndexOf(')');
  const fields = line
    .slice(nameEnd + 2)
    .trim()
    .split(' ');
  const pid = Number.parseInt(line, 10);
  if (nameEnd < 0 || fields.length < 22 || !(pid > 0)) return undefined;
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    pid,
    state: fields[0]!,
    session: number(6),
    cpuTicks: number(14) + number(15) + number(16) + number(17),
    startTicks: number(22),
    memoryPages: number(24),
    virtualBytes: number(23),
  };
}

/** Undefined if there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** That very process; undefined if it has ended. */
export function readLiving(identity: ProcessIdentity): ProcessStat | undefined {
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== 'Z' ? stat : undefined;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readLiving(identity) !== undefined;
}

/** Changes with each start of the machine. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}
