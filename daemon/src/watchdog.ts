import type { ServiceManager } from './service-manager.ts';

/** Told so often within the time that systemd allows: one that comes late is no reason to end a daemon. */
const PER_PERIOD = 3;

/**
 * Tells systemd that the event loop turns, as often as the unit's `WatchdogSec` asks for: a loop that is blocked tells
 * nothing, and the daemon is started anew. sd_watchdog_enabled(3) says which process is meant.
 */
export function feedWatchdog(
  manager: ServiceManager,
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): void {
  const periodMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1_000;
  const meant = environment['WATCHDOG_PID'] ?? `${pid}`;
  if (!(periodMs > 0) || meant !== `${pid}`) return;
  const feed = (): void => manager.notify('WATCHDOG=1');
  feed();
  setInterval(feed, periodMs / PER_PERIOD).unref();
}
