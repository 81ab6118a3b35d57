/** Rounds of heartbeats whose fate is open; a lease lasts less than an election timeout, so older ones don't matter. */
const OPEN_ROUNDS_MAX = 256;

/**
 * How long a leader may answer reads without asking (the dissertation, section 6.4.1): members of a quorum that heard
 * its heartbeat give nobody their vote for `electionTicks` from then on. The leader counts from when it *sent* that
 * heartbeat. Only as good as the assumption behind it: members' ticks run equally fast, and a process that stood still
 * hears of the ticks that it missed before it is asked anything. That is why it is off by default.
 */
export class Lease {
  private ticks = 0;
  private openRounds: { readonly sequence: number; readonly sentAt: number }[] = [];
  private confirmedAt = Number.NEGATIVE_INFINITY;

  /** A new term, or another role: nothing is promised any more. */
  reset(): void {
    this.ticks = 0;
    this.openRounds = [];
    this.confirmedAt = Number.NEGATIVE_INFINITY;
  }

  tick(): void {
    this.ticks++;
  }

  /** A round of heartbeats went out with this number; numbers go up. */
  sent(sequence: number): void {
    if (this.openRounds.length === OPEN_ROUNDS_MAX) this.openRounds.shift();
    this.openRounds.push({ sequence, sentAt: this.ticks });
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
    return this.ticks - this.confirmedAt <= electionTicks - 2;
  }
}
