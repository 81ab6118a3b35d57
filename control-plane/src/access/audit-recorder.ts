/**
 * Writes in the audit log what no command carries: calls that were refused, and those that change nothing in the state.
 * One command a second at most; the same ones are counted together, and kinds are bounded. The audit log keeps a limited
 * number of entries: so that nobody can push out of it what he did by being refused often, refusals of one actor (of all
 * that are nobody, together) are written as often as `REFUSALS` says; until then they wait, and are counted. So is what
 * changes nothing, as a certificate that is issued.
 */
import type { Logger } from 'pino';
import type { AuditNote } from '../model/identity.ts';
import { refusalCauseOf } from '../model/refusal-cause.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { NoteAudit } from '../state/commands.ts';
import { TokenBuckets } from './token-buckets.ts';

export interface AuditRecorderParts {
  readonly clock: Clock;
  readonly log: Logger;
}

type Noted = NoteAudit['notes'][number];

/** A note that waits to be written. */
interface Waiting {
  readonly note: AuditNote;
  readonly outcome: string;
  count: number;
  /** How many of them have a line in the member's own log. */
  logged: number;
  /** Written only as often as refusals are. */
  readonly limited: boolean;
  /** It was counted among the refusals that may be written. */
  counted: boolean;
}

/** Entries about refusals of one actor. */
export const REFUSALS = { perSecond: 1 / 60, burst: 100 };
const PERIOD_MS = 1_000;
const SUBMIT_TIMEOUT_MS = 5_000;
/** Who waits until its note is written waits no longer: without a leader it can't be. */
const WRITTEN_TIMEOUT_MS = 2_000;
/** Kinds of notes that wait at once: of callers that are proven, and of nobody. What is more is counted by outcome. */
export const PROVEN_KINDS_MAX = 1_000;
export const NOBODY_KINDS_MAX = 100;
/** Attempts to write in a row, a second apart, until what waits is given up: it is in the member's own log. */
const ATTEMPTS_MAX = 600;
const TEXT_LENGTH_MAX = 200;

export class AuditRecorder {
  readonly #parts: AuditRecorderParts;
  readonly #refusals = new TokenBuckets(REFUSALS);
  #consensus: Pick<Consensus, 'submit'> | undefined;
  #waiting = new Map<string, Waiting>();
  #kindsOfNobody = 0;
  #scheduled: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #failures = 0;
  #dropped = 0;
  #stopped = false;

  constructor(parts: AuditRecorderParts) {
    this.#parts = parts;
  }

  /** From now on notes can be written. */
  follow(consensus: Pick<Consensus, 'submit'>): void {
    this.#consensus = consensus;
    this.#schedule();
  }

  /** Kinds of notes that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls that the audit log will never have; the member's own log has them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A line in the member's log only, for what a command has noted already. */
  log(note: AuditNote, outcome: string, count = 1): void {
    const { actor, method, subject, from } = note;
    const cause = refusalCauseOf(subject);
    const what = subject === '' || cause !== undefined ? method : `${method} on "${subject}"`;
    const why = cause === undefined ? '' : ` (${cause})`;
    const often = count === 1 ? '' : `, ${count} times`;
    const line = { audit: true, actor, method, subject, from, outcome, count };
    this.#parts.log.info(line, `${actor} from ${from}: ${what}: ${outcome}${why}${often}`);
  }

  /** `idle`: the call has changed nothing, and nobody gives orders by it. */
  add(given: AuditNote, outcome: string, idle = false): void {
    const note = bounded(given);
    const limited = idle || refused(outcome);
    const waiting = this.#kind(note, outcome, limited);
    waiting.count += 1;
    // One line for each call that did something; of those that were refused, one a second for each kind.
    if (!limited || waiting.count === 1) {
      this.log(waiting.note, outcome);
      waiting.logged += 1;
    }
    this.#schedule();
  }

  /** As `add`; resolves once it is written, or after a while if it can't be. */
  async addNow(note: AuditNote, outcome: string): Promise<void> {
    this.add(note, outcome);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(WRITTEN_TIMEOUT_MS, resolve);
    // What is being written now may not have it.
    const written = (this.#writing ?? Promise.resolve()).then(() => this.#write());
    await Promise.race([written, promise]);
    cancel();
  }

  /** Nothing more is written. What waits is in the member's own log. */
  stop(): void {
    this.#stopped = true;
    this.#scheduled?.();
    this.#giveUp('This member stops');
  }

  #kind(note: AuditNote, outcome: string, limited: boolean): Waiting {
    const key = [note.actor, note.method, note.subject, note.from, outcome].join('\n');
    const known = this.#waiting.get(key);
    if (known !== undefined) return known;
    const nobody = note.actor === 'nobody';
    const full = nobody
      ? this.#kindsOfNobody >= NOBODY_KINDS_MAX
      : this.#waiting.size - this.#kindsOfNobody >= PROVEN_KINDS_MAX;
    if (full && note.method !== OTHERS.method) return this.#kind(OTHERS, outcome, limited);
    const made = { note, outcome, count: 0, logged: 0, limited, counted: false };
    this.#waiting.set(key, made);
    if (nobody) this.#kindsOfNobody += 1;
    return made;
  }

  #schedule(): void {
    if (this.#stopped || this.#scheduled !== undefined || this.#consensus === undefined || this.#waiting.size === 0) {
      return;
    }
    this.#scheduled = this.#parts.clock.after(PERIOD_MS, () => {
      this.#scheduled = undefined;
      void this.#write();
    });
  }

  /** Writes what waits, one command at a time. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#submit().finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
    return this.#writing;
  }

  async #submit(): Promise<void> {
    const { clock, log } = this.#parts;
    if (this.#consensus === undefined || this.#stopped) return;
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#logRest(batch);
    const notes = batch.map(({ note, outcome, count }): Noted => ({ ...note, outcome, count }));
    try {
      const command = { kind: 'note-audit', timeMs: clock.wallMs(), notes } as const;
      const result = await this.#consensus.submit(command, SUBMIT_TIMEOUT_MS);
      if (!result.ok) throw new Error(result.message);
      this.#failures = 0;
    } catch (error) {
      // Also if nobody knows whether it was written: twice is better than never.
      this.#putBack(batch);
      this.#failures += 1;
      if (this.#failures === 1) log.info({ err: error }, 'The audit log could not be written; trying again');
      if (this.#failures >= ATTEMPTS_MAX) this.#giveUp('The audit log could not be written for too long');
    }
  }

  /** What may be written now. */
  #take(): readonly Waiting[] {
    const nowMs = this.#parts.clock.monotonicMs();
    const taken: Waiting[] = [];
    for (const [key, waiting] of this.#waiting) {
      const { note, limited } = waiting;
      if (!waiting.counted && limited && this.#refusals.take(note.actor, nowMs) > 0) continue;
      waiting.counted = true;
      this.#waiting.delete(key);
      if (note.actor === 'nobody') this.#kindsOfNobody -= 1;
      taken.push(waiting);
    }
    return taken;
  }

  #logRest(batch: Iterable<Waiting>): void {
    for (const each of batch) {
      if (each.count > each.logged) this.log(each.note, each.outcome, each.count - each.logged);
      each.logged = each.count;
    }
  }

  #putBack(batch: readonly Waiting[]): void {
    for (const each of batch) {
      const waiting = this.#kind(each.note, each.outcome, each.limited);
      waiting.count += each.count;
      waiting.logged += each.logged;
      waiting.counted = true;
    }
  }

  #giveUp(why: string): void {
    if (this.#waiting.size === 0) return;
    this.#logRest(this.#waiting.values());
    let calls = 0;
    for (const { count } of this.#waiting.values()) calls += count;
    this.#dropped += calls;
    this.#waiting.clear();
    this.#kindsOfNobody = 0;
    this.#failures = 0;
    this.#parts.log.warn({ calls }, `${why}: ${calls} calls are in this log, and not in the audit log`);
  }
}

/** What stands for calls of more kinds than are told apart. */
const OTHERS: AuditNote = { actor: 'nobody', method: 'others', subject: '', from: '' };

function refused(outcome: string): boolean {
  return outcome.startsWith('CELL_E_');
}

function bounded(note: AuditNote): AuditNote {
  if (note.subject.length <= TEXT_LENGTH_MAX && note.from.length <= TEXT_LENGTH_MAX) return note;
  const { subject, from } = note;
  return { ...note, subject: subject.slice(0, TEXT_LENGTH_MAX), from: from.slice(0, TEXT_LENGTH_MAX) };
}
