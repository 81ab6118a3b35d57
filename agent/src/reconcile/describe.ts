import type { Ended } from './model.ts';

/** "500ms", "30s", "5m" or "2h": the largest unit that gives a whole number. */
export function describeDuration(durationMs: number): string {
  if (durationMs % 3_600_000 === 0 && durationMs > 0) return `${durationMs / 3_600_000}h`;
  if (durationMs % 60_000 === 0 && durationMs > 0) return `${durationMs / 60_000}m`;
  if (durationMs % 1_000 === 0) return `${durationMs / 1_000}s`;
  return `${durationMs}ms`;
}

/** Signals that end processes in practice, by their number on Linux. */
const SIGNALS: ReadonlyMap<number, string> = new Map([
  [1, 'SIGHUP'],
  [2, 'SIGINT'],
  [3, 'SIGQUIT'],
  [4, 'SIGILL'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [9, 'SIGKILL'],
  [10, 'SIGUSR1'],
  [11, 'SIGSEGV'],
  [12, 'SIGUSR2'],
  [13, 'SIGPIPE'],
  [14, 'SIGALRM'],
  [15, 'SIGTERM'],
]);

const SIGNALLED = 128;

/** How a process ended, as the beginning of a sentence. */
export function describeEnd(ended: Ended): string {
  if (ended.message !== '') return ended.message;
  if (ended.exitCode === undefined) return 'Ended in an unknown way';
  const signal = SIGNALS.get(ended.exitCode - SIGNALLED);
  if (signal !== undefined) return `Was ended by ${signal} (exit code ${ended.exitCode})`;
  return `Ended with exit code ${ended.exitCode}`;
}
