import { CellError } from '../cell-error.ts';
import { TokenBuckets } from './token-buckets.ts';

/** As the configuration has them. */
export interface RateLimitSettings {
  /** Calls of one token, node or address. */
  readonly callsPerSecond: number;
  readonly callsBurst: number;
  /** What one token or node says on its streams; see `StreamCost`. */
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  /** From one address: calls with a token or certificate that is no good. */
  readonly failuresPerMinute: number;
  readonly failuresBurst: number;
  /** From one address: attempts to join. */
  readonly joinsPerMinute: number;
  readonly joinsBurst: number;
}

/** What a message of a stream counts as. */
export interface StreamCost {
  /** Changes that a call of their own could ask for: they count as calls do, and with them. */
  readonly changes: number;
  /** May be a fraction. */
  readonly messages: number;
}

const SECONDS_PER_MINUTE = 60;

/** All limits on how often. Each `take…` throws `CELL_E_RATE_LIMITED`, which says when to come again. */
export class RateLimits {
  readonly #calls: TokenBuckets;
  readonly #messages: TokenBuckets;
  readonly #failures: TokenBuckets;
  readonly #joins: TokenBuckets;

  constructor(settings: RateLimitSettings) {
    const { callsPerSecond, callsBurst, messagesPerSecond, messagesBurst } = settings;
    const { failuresPerMinute, failuresBurst, joinsPerMinute, joinsBurst } = settings;
    this.#calls = new TokenBuckets({ perSecond: callsPerSecond, burst: callsBurst });
    this.#messages = new TokenBuckets({ perSecond: messagesPerSecond, burst: messagesBurst });
    this.#failures = new TokenBuckets({ perSecond: failuresPerMinute / SECONDS_PER_MINUTE, burst: failuresBurst });
    this.#joins = new TokenBuckets({ perSecond: joinsPerMinute / SECONDS_PER_MINUTE, burst: joinsBurst });
  }

  /** `identity`: of who is proven, or the address of who is not. */
  takeCall(identity: string, nowMs: number): void {
    const waitMs = this.#calls.take(identity, nowMs);
    if (waitMs > 0) throw limited('This caller makes calls too often', waitMs);
  }

  /** Gives what is left to take, and how long to wait until then; a stream is not refused, but read later. */
  takeFromStream(identity: string, { changes, messages }: StreamCost, nowMs: number): StreamCost & { waitMs: number } {
    const changesMs = changes === 0 ? 0 : this.#calls.take(identity, nowMs, changes);
    const messagesMs = messages === 0 ? 0 : this.#messages.take(identity, nowMs, messages);
    return {
      changes: changesMs === 0 ? 0 : changes,
      messages: messagesMs === 0 ? 0 : messages,
      waitMs: Math.max(changesMs, messagesMs),
    };
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
