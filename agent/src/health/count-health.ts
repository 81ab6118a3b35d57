import type { HealthCheck, HealthVerdict } from '../reconcile/model.ts';

/** What single checks have come to. */
export interface HealthCount {
  readonly verdict: HealthVerdict;
  /** In a row, up to now. */
  readonly successes: number;
  readonly failures: number;
}

export interface CheckOutcome {
  readonly success: boolean;
  /** A clause, such as "GET / answered 503". */
  readonly message: string;
}

export const NO_CHECKS_YET: HealthCount = {
  verdict: { state: 'unknown', message: 'not checked yet' },
  successes: 0,
  failures: 0,
};

/** Counts one more check. `sinceStartMs` is when it ended, counted from when the process was seen running. */
export function countHealth(
  count: HealthCount,
  outcome: CheckOutcome,
  check: Pick<HealthCheck, 'healthyThreshold' | 'unhealthyThreshold' | 'graceMs'>,
  sinceStartMs: number,
): HealthCount {
  const { message } = outcome;
  if (outcome.success) {
    const successes = count.successes + 1;
    const state = successes >= check.healthyThreshold ? 'healthy' : count.verdict.state;
    return { verdict: { state, message }, successes, failures: 0 };
  }
  // Within the grace a failure says no more than that it is not there yet.
  const failures = sinceStartMs < check.graceMs ? 0 : count.failures + 1;
  const state = failures >= check.unhealthyThreshold ? 'failed' : count.verdict.state;
  const times = failures > 1 ? `${message} (${failures} times in a row)` : message;
  return { verdict: { state, message: times }, successes: 0, failures };
}
