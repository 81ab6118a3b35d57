import type { Clock } from './ports.ts';

/** The machine's own clocks. Its timers keep no process alive. */
export const realClock: Clock = {
  wallMs: () => Date.now(),
  // CLOCK_MONOTONIC, as opposed to performance.now(), counts from the machine's start in every process.
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs).unref();
    return () => clearInterval(timer);
  },
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
