import type { StoredIdentity } from './stored-identity.ts';

type Age = Pick<StoredIdentity, 'obtainedAtMs' | 'lifetimeMs'>;

/** Of the lifetime: spreads nodes that joined together. */
const SPREAD = 0.1;
const RETRY_SHARE = 0.02;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

/**
 * How long to wait until the certificate is to be renewed: at half of its life, up to a tenth later. Counted on this
 * machine's clock from when it came, so that a clock that is wrong by some minutes changes nothing; one that was set back
 * does not put it off. `spread`: from 0 to 1, the same each time.
 */
export function renewalWaitMs({ obtainedAtMs, lifetimeMs }: Age, spread: number, nowMs: number): number {
  const afterMs = lifetimeMs * (0.5 + SPREAD * spread);
  return Math.max(0, Math.min(afterMs, obtainedAtMs + afterMs - nowMs));
}

/** How long to wait after a renewal failed: often enough while there is time, also if lifetimes are short. */
export function renewalRetryMs({ lifetimeMs }: Age, random: number): number {
  const delayMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, lifetimeMs * RETRY_SHARE));
  return delayMs * (0.5 + random);
}

/** Whether it has ended, by this machine's clock. */
export function hasEnded({ obtainedAtMs, lifetimeMs }: Age, nowMs: number): boolean {
  return nowMs >= obtainedAtMs + lifetimeMs;
}
