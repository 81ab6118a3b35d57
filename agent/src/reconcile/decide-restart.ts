import type { RestartPolicy } from './model.ts';

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly attempt: number; readonly restartsAtMs: number[] }
  /** The policy wants no restart after such an end. */
  | { readonly kind: 'not-wanted' }
  | { readonly kind: 'exhausted' };

/**
 * What follows when a process has ended by itself. Restarts that were decided within the window count; a clock that
 * was set back makes old ones look new, never the other way round.
 */
export function decideRestart(
  policy: RestartPolicy,
  ended: { readonly success: boolean },
  restartsAtMs: readonly number[],
  nowMs: number,
): RestartDecision {
  if (policy.mode === 'never' || (policy.mode === 'on-failure' && ended.success)) return { kind: 'not-wanted' };
  const recent = restartsAtMs.filter((atMs) => atMs > nowMs - policy.windowMs);
  if (recent.length >= policy.attempts) return { kind: 'exhausted' };
  const delayMs = Math.min(policy.delayMs * 2 ** recent.length, policy.delayMaxMs);
  return { kind: 'restart', delayMs, attempt: recent.length + 1, restartsAtMs: [...recent, nowMs] };
}
