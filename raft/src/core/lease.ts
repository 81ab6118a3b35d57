import type { LeaseTime } from './types.ts';

/** Rounds of heartbeats whose fate is open; a lease lasts less than an election timeout, so older ones don't matter. */
const OPEN_ROUNDS_MAX = 256;

/** When a round of heartbeats went out. `ms` is of the clock for leases, 0 without one. */
interface Moment {
  readonly ticks: number;
  readonly ms: number;
}

const NEVER: Moment = { ticks: Number.NEGATIVE_INFINITY, ms: Number.NEGATIVE_INFINITY };

/**
 * How long a leader may answer reads without asking (the dissertation, section 6.4.1): members of a quorum that heard
 * its heartbeat give nobody their vote for `electionTicks` from then on. The leader counts from when it *sent* that
 * heartbeat, in ticks, and in real time if it has a clock: a process that stood still hears of no ticks that it missed.
 * Followers need none, since a tick that they miss makes their promise last longer. Still it assumes that the members'
 * clocks run about equally fast, and that they don't stand still: that is why it is off by default.
 */
export class Lease {
  private readonly time: LeaseTime | undefined;
  private ticks = 0;
  private openRounds: { readonly sequence: number; readonly sentAt: Moment }[] = [];
  private confirmedAt = NEVER;

  constructor(time: LeaseTime | undefined) {
    this.time = time;
  }

  /** A new term, or another role: nothing is promised any more. */
  reset(): void {
    this.ticks = 0;
    this.openRounds = [];
    this.confirmedAt = NEVER;
  }

  tick(): void {
    this.ticks++;
  }

  /** A round of heartbeats is about to go out with this number; numbers go up. */
  sent(sequence: number): void {
    if (this.openRounds.length === OPEN_ROUNDS_MAX) this.openRounds.shift();
    this.openRounds.push({ sequence, sentAt: this.now() });
  }

  /** A quorum has heard all rounds up to the one with this number. */
  confirmed(sequence: number): void {
    let round = this.openRounds[0];
    while (round !== undefined && round.sequence <= sequence) {
      this.confirmedAt = round.sentAt;
      this.openRounds.shift();
      round = this.openRounds[0];
    }
  }

  /** One tick less than the followers' patience on either side: ticks of two members don't fall at the same moment. */
  holds(electionTicks: number): boolean {
    const now = this.now();
    if (now.ticks - this.confirmedAt.ticks > electionTicks - 2) return false;
    return this.time === undefined || now.ms - this.confirmedAt.ms < this.time.leaseMs;
  }

  private now(): Moment {
    return { ticks: this.ticks, ms: this.time?.monotonicMs() ?? 0 };
  }
}
