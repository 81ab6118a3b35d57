/**
 * Everything that a lab makes in the system carries the lab's name: namespaces, control groups, folders, machines. It
 * tells whose it is, so what a killed run left behind is told from what another run is just using.
 */
import { readFileSync } from 'node:fs';

const PREFIX = 'cellab';
const PATTERN = new RegExp(String.raw`^(${PREFIX}-(\d+)-(\d+)-\d+)(-|$)`);

let labs = 0;

/** "cellab-PID-START-NUMBER", never given twice. */
export function newLabName(): string {
  labs += 1;
  return `${PREFIX}-${process.pid}-${startTicks(process.pid)}-${labs}`;
}

/** The lab that a thing of this name belongs to; undefined if to none. */
export function labOf(name: string): string | undefined {
  return PATTERN.exec(name)?.[1];
}

/** Whether the process that made the lab still runs. */
export function isOwned(lab: string): boolean {
  const [, , pid, start] = PATTERN.exec(lab) ?? [];
  return pid !== undefined && startTicks(Number(pid)) === start;
}

/** The process that made the lab. */
export function ownerOf(lab: string): number {
  return Number(PATTERN.exec(lab)?.[2]);
}

/**
 * When a process was started, in clock ticks since the boot: field 22 of proc(5)'s stat, counted after the command's
 * name in parentheses. Numbers of processes are used again; with this they are unique. Undefined if it doesn't run.
 */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Empty if it doesn't run. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
