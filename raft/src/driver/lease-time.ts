import type { LeaseTime } from '../core/index.ts';
import type { DriverOptions } from './ports.ts';

/**
 * How much of the time for which followers certainly give no vote a leader counts on. What is left covers clocks that
 * run at different rates: a follower's would have to run twice as fast as the leader's. More would gain nothing, since
 * heartbeats renew the lease many times in this time.
 */
const LEASE_SHARE = 0.5;

/**
 * Real time for reads by lease; undefined if they are off. A follower counts its promise in ticks, which are never
 * less than a heartbeat apart; but the first one may fall right behind the heartbeat that it heard.
 */
export function leaseTimeOf(
  options: Pick<DriverOptions, 'leaseReads' | 'timers' | 'heartbeatMs'>,
  electionTicks: number,
): LeaseTime | undefined {
  if (options.leaseReads !== true) return undefined;
  const { timers, heartbeatMs } = options;
  const monotonicMs = timers.monotonicMs?.bind(timers);
  if (monotonicMs === undefined) throw new RangeError('leaseReads needs timers with monotonicMs');
  return { monotonicMs, leaseMs: LEASE_SHARE * (electionTicks - 1) * heartbeatMs };
}
