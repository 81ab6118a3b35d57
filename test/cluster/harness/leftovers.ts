/**
 * Makes sure that nothing outlives the process that started a fleet: neither daemons nor the workloads that agents
 * leave behind on purpose, however that process ends (short of SIGKILL).
 */
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';

const folders = new Map<string, boolean>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From now on until `forgetFolder`, ending this process also ends all that works below the folder, and removes it. */
export function guardFolder(folder: string, remove: boolean): void {
  if (folders.size === 0) {
    process.on('exit', sweepAll);
    for (const signal of SIGNALS) process.on(signal, endBySignal);
  }
  folders.set(folder, remove);
}

/** Ends all that works below the folder, and removes it if it was to be removed. */
export function sweepFolder(folder: string): void {
  killBelow(folder);
  if (folders.get(folder) === true) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  forgetFolder(folder);
}

/** The fleet is left to itself. */
export function forgetFolder(folder: string): void {
  folders.delete(folder);
  if (folders.size > 0) return;
  process.off('exit', sweepAll);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

function sweepAll(): void {
  for (const folder of folders.keys()) sweepFolder(folder);
}

function endBySignal(signal: NodeJS.Signals): void {
  sweepAll();
  // With our own handlers gone, the signal does what it would have done without them.
  process.kill(process.pid, signal);
}

const ROUNDS_MAX = 5;

/** A process that dies may leave children that were just born; so it looks again until nothing is left. */
function killBelow(folder: string): void {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const pids = processesBelow(folder);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** Processes that name the folder in their arguments or environment, or work in it. */
export function processesBelow(folder: string): number[] {
  const needle = Buffer.from(`${folder}/`);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid && works(pid, folder, needle));
}

function works(pid: number, folder: string, needle: Buffer): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) return true;
    return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`).includes(needle));
  } catch {
    // It has ended meanwhile, or isn't ours.
    return false;
  }
}
