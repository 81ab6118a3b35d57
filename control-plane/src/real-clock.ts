import type { Clock } from './ports.ts';

/** The machine's own time. Its timers don't keep the process alive: what serves does that. */
export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every(periodMs, callback) {
    // Node never fires an interval twice to catch up: after a stall it goes on from now.
    const timer = setInterval(callback, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
