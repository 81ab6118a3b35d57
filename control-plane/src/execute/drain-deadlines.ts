/**
 * Runs on the leader: counts down the time that drains have left, and has the state say when a deadline has passed.
 *
 * What is left is counted on the leader's monotonic clock, and written down now and then, so that the next leader goes
 * on from there. No wall clock has a say: one that is wrong, or two that differ, would stop everything too early. A
 * change of leader makes a deadline later, by what was counted since it was written last; never earlier.
 */
import type { Logger } from 'pino';
import type { Clock, Consensus } from '../ports.ts';
import type { NoteDrainTime } from '../state/commands.ts';

export interface DrainDeadlinesParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
}

type Note = NoteDrainTime['drains'][number];

/** What this leader has counted of one drain as it was set. */
interface Count {
  readonly setIndex: number;
  /** The moment after which nothing is left, on the monotonic clock. */
  endsMs: number;
  /** When it was written down last. */
  notedMs: number;
}

const checkPeriodMs = 250;
/** How much longer a change of leader makes a deadline at most, but for the election itself. */
const notePeriodMs = 30_000;
/** In one command; the others follow with the next checks. */
const notesMax = 2_000;

export class DrainDeadlines {
  readonly #parts: DrainDeadlinesParts;
  readonly #counts = new Map<string, Count>();
  #stopChecks: (() => void) | undefined;
  #noting = false;

  constructor(parts: DrainDeadlinesParts) {
    this.#parts = parts;
  }

  /** This member leads: it counts from what was written down last. */
  start(): void {
    this.stop();
    this.#stopChecks = this.#parts.clock.every(checkPeriodMs, () => this.#check());
  }

  stop(): void {
    this.#stopChecks?.();
    this.#stopChecks = undefined;
    this.#counts.clear();
  }

  #check(): void {
    const { drainingNodes } = this.#parts.consensus.state;
    for (const id of this.#counts.keys()) if (!drainingNodes.has(id)) this.#counts.delete(id);
    if (this.#noting) return;
    const notes: Note[] = [];
    const nowMs = this.#parts.clock.monotonicMs();
    for (const id of drainingNodes) {
      const note = this.#count(id, nowMs);
      if (note !== undefined) notes.push(note);
      if (notes.length >= notesMax) break;
    }
    if (notes.length > 0) void this.#propose(notes, nowMs);
  }

  /** What is to be written down of this drain now, if anything is. */
  #count(id: string, nowMs: number): Note | undefined {
    const drain = this.#parts.consensus.state.nodes.get(id)?.drain;
    // None, or over already.
    if (drain?.remainingMs === undefined || drain.remainingMs === 0) return undefined;
    const { setIndex } = drain;
    const endsMs = nowMs + drain.remainingMs;
    let count = this.#counts.get(id);
    if (count === undefined || count.setIndex !== setIndex) {
      count = { setIndex, endsMs, notedMs: nowMs };
      this.#counts.set(id, count);
    }
    // A leader before this one may have counted further than was applied here when this one began.
    count.endsMs = Math.min(count.endsMs, endsMs);
    const remainingMs = Math.max(0, Math.ceil(count.endsMs - nowMs));
    if (remainingMs > 0 && nowMs - count.notedMs < notePeriodMs) return undefined;
    return { id, setIndex, remainingMs };
  }

  /** What fails is tried again at the next check. */
  async #propose(drains: readonly Note[], nowMs: number): Promise<void> {
    const { consensus, clock, log } = this.#parts;
    this.#noting = true;
    try {
      await consensus.propose({ kind: 'note-drain-time', timeMs: clock.wallMs(), drains });
      for (const { id, setIndex } of drains) {
        const count = this.#counts.get(id);
        if (count?.setIndex === setIndex) count.notedMs = nowMs;
      }
    } catch (error) {
      log.info({ err: error, drains: drains.length }, 'The time that drains have left was not written; trying again');
    } finally {
      this.#noting = false;
    }
  }
}
