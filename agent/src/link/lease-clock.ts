/** A confirmed heartbeat, in numbers that outlive the process: the machine's monotonic clock. */
export interface ConfirmedHeartbeat {
  readonly sentAtMs: number;
  readonly leaseMs: number;
}

/** A clock that only ever goes forward can't put a heartbeat later than this into the future: a rounding. */
const FUTURE_MS_MAX = 1_000;

/**
 * For how long this node may run what the fleet may place elsewhere once it runs out. Counted from when a heartbeat was
 * sent, never from when its confirmation came: the control plane counts from when it came in, which is later.
 */
export class LeaseClock {
  #confirmed: ConfirmedHeartbeat | undefined;

  /** With what an earlier process of the same boot had confirmed, if there is anything. */
  constructor(confirmed: ConfirmedHeartbeat | undefined, nowMs: number) {
    this.#confirmed = confirmed !== undefined && confirmed.sentAtMs <= nowMs + FUTURE_MS_MAX ? confirmed : undefined;
  }

  /** An older confirmation that comes late changes nothing. */
  renew(confirmed: ConfirmedHeartbeat): void {
    if (confirmed.sentAtMs >= (this.#confirmed?.sentAtMs ?? Number.NEGATIVE_INFINITY)) this.#confirmed = confirmed;
  }

  /** 0 once it has run out. */
  remainingMs(nowMs: number): number {
    if (this.#confirmed === undefined) return 0;
    return Math.max(0, this.#confirmed.sentAtMs + this.#confirmed.leaseMs - nowMs);
  }
}
