import { InvariantError } from '../invariant-error.ts';

/**
 * How far the state machine has come, and how many bytes of entries it holds that it has not acknowledged: a limit
 * on memory when applying is slower than committing.
 */
export class ApplyWindow {
  /** The last index known to be applied. Invariant: applied <= applying. */
  applied: number;
  /** The last index that was handed out to be applied. */
  applying: number;
  /** Nothing is handed out before something is acknowledged. */
  paused = false;
  private bytes = 0;
  private readonly bytesMax: number;

  constructor(applied: number, bytesMax: number) {
    this.applied = applied;
    this.applying = applied;
    this.bytesMax = bytesMax;
  }

  /** Bytes that may still be handed out. */
  room(): number {
    const room = this.bytesMax - this.bytes;
    if (room <= 0) throw new InvariantError('The apply window is full but not paused');
    return room;
  }

  /** Entries up to `last` go out; `appliable` is how far they could have gone without the limit. */
  accept(last: number, bytes: number, appliable: number): void {
    this.applying = last;
    this.bytes += bytes;
    // Paused also if the next entry would not have fitted: else it would go out alone, over the limit.
    this.paused = this.bytes >= this.bytesMax || last < appliable;
  }

  appliedTo(index: number, bytes: number): void {
    if (index < this.applied) {
      throw new InvariantError(`Applied index '${index}' goes back (applied: ${this.applied})`);
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.bytes = Math.max(0, this.bytes - bytes);
    this.paused = this.bytes >= this.bytesMax;
  }
}
