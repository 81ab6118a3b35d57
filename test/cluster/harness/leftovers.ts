/**
 * Makes sure that nothing outlives the process that started a fleet: neither daemons nor the workloads that agents
 * leave behind on purpose, however that process ends (short of SIGKILL).
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Map<string, boolean>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A new folder below the temporary one, guarded and to be removed. There is no moment in which a signal leaves it. */
export function makeGuardedFolder(prefix: string): string {
  watchEnd();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.set(folder, true);
  return folder;
}

/** From now on until `forgetFolder`, ending this process also ends all that works below the folder, which stays. */
export function guardFolder(folder: string): void {
  watchEnd();
  folders.set(folder, false);
}

function watchEnd(): void {
  if (folders.size > 0) return;
  process.on('exit', sweepAll);
  for (const signal of SIGNALS) process.on(signal, endBySignal);
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
  // With nobody listening any more, the signal does what it would have done without us.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  process.exit(1);
}

const ROUNDS_MAX = 500;
const ROUND_PAUSE_MS = 10;

/** A process that dies may leave children that were just born; so it looks again until nothing is left. */
export function killBelow(folder: string): void {
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
    pauseMs(ROUND_PAUSE_MS);
  }
}

/** Blocks, since handlers of signals and of the process's end can't wait for promises. */
function pauseMs(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

/**
 * Processes that name the folder in their arguments or environment, or work in it. What has a terminal is a person's,
 * such as a shell that looks around there, unless it is a daemon that was started by hand.
 */
export function processesBelow(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid && works(pid, `${folder}/`));
}

function works(pid: number, needle: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    if (hasTerminal(pid)) return words.includes(`\0--config\0${needle}`);
    if (words.includes(needle) || `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(needle)) return true;
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(needle);
  } catch {
    // It has ended meanwhile, or isn't ours.
    return false;
  }
}

/** Field 7 of proc(5)'s stat, counted after the command's name in parentheses: the terminal, 0 for none. */
function hasTerminal(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] !== '0';
}
