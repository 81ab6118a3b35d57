import { CellError } from '../cell-error.ts';
import { TokenBuckets } from './token-buckets.ts';

/** As the configuration has them. */
export interface RateLimitSettings {
  /** Calls of one token, node or address. */
  readonly callsPerSecond: number;
  readonly callsBurst: number;
  /** From one address: calls with a token or certificate that is no good. */
  readonly failuresPerMinute: number;
  readonly failuresBurst: number;
  /** From one address: attempts to join. */
  readonly joinsPerMinute: number;
  readonly joinsBurst: number;
}

const SECONDS_PER_MINUTE = 60;

/** All limits on how often. Each `take…` throws `CELL_E_RATE_LIMITED`, which says when to come again. */
export class RateLimits {
  readonly #calls: TokenBuckets;
  readonly #failures: TokenBuckets;
  readonly #joins: TokenBuckets;

  constructor(settings: RateLimitSettings) {
    const { callsPerSecond, callsBurst, failuresPerMinute, failuresBurst, joinsPerMinute, joinsBurst } = settings;
    this.#calls = new TokenBuckets({ perSecond: callsPerSecond, burst: callsBurst });
    this.#failures = new TokenBuckets({ perSecond: failuresPerMinute / SECONDS_PER_MINUTE, burst: failuresBurst });
    this.#joins = new TokenBuckets({ perSecond: joinsPerMinute / SECONDS_PER_MINUTE, burst: joinsBurst });
  }

  /** `identity`: of who is proven, or the address of who is not. */
  takeCall(identity: string, nowMs: number): void {
    const waitMs = this.#calls.take(identity, nowMs);
    if (waitMs > 0) throw limited('This caller makes calls too often', waitMs);
  }

  /** For each failure: those that come with something good are not slowed down by others at their address. */
  takeFailure(address: string, nowMs: number): void {
    const waitMs = this.#failures.take(address, nowMs);
    if (waitMs > 0)
      throw limited('From this address too many calls came whose token or certificate is no good', waitMs);
  }

  takeJoin(address: string, nowMs: number): void {
    const waitMs = this.#joins.take(address, nowMs);
    if (waitMs > 0) throw limited('From this address too many try to join', waitMs);
  }
}

function limited(what: string, retryAfterMs: number): CellError {
  const message = `${what}; try again in ${retryAfterMs} ms`;
  return new CellError('CELL_E_RATE_LIMITED', message, { retryAfterMs });
}
