import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second for everyone who reads it. */
const TICKS_PER_SECOND = 100;

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${pid} has ended`);
  return (Number(kibibytes) * 1024) / 1e6;
}

/** CPU seconds that the process has used since its start, in all its threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in parentheses, may hold blanks; the fields behind it are counted from the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[14 - 3]) + Number(fields[15 - 3])) / TICKS_PER_SECOND;
}
