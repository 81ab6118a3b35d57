import type { Driver } from '@cell/raft';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import type { Clock, Leadership } from '../ports.ts';
import type { CommandResult } from '../state/commands.ts';
import type { ForwardOutcome } from './forward-outcome.ts';
import type { LeadershipTracker } from './leadership-tracker.ts';
import type { GrpcPeers } from './peers/grpc-peers.ts';
import { outcomeUnknown } from './raft-error.ts';

/** Commands and their bytes in one call at most. */
export const FORWARD_COMMANDS_MAX = 1_000;
const FORWARD_BYTES_MAX = 4 * 1024 * 1024;

/** How long the fate of commands is waited for whose call has failed: longer than an election. */
const UNDECIDED_MS_MAX = 3_000;
const BARRIER_MS_MAX = 2_000;
const BARRIER_RETRY_MS = 50;

export interface ForwarderParts {
  readonly driver: Pick<Driver, 'waitApplied' | 'readBarrier'>;
  readonly peers: Pick<GrpcPeers, 'proposeCommands'>;
  readonly leadership: LeadershipTracker;
  readonly clock: Clock;
}

/** One command on its way. */
interface Forwarded {
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly leaderId: number;
  readonly term: number;
  readonly deadlineMs: number;
  /** Of the state here, at the time: then an entry was skipped unseen if it is another one now. */
  readonly replacements: number;
  /** The leader has said that it is in the log. */
  written: boolean;
  settled: boolean;
  stopTimer: () => void;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: CellError) => void;
}

/**
 * Passes commands on to the leader, all of one event-loop turn in one call, and finds out what becomes of them also if
 * that leader never answers: each command is unlike any other, so this member knows it again when it applies it. And
 * once a later leader has confirmed a read, all that the earlier one can have committed is applied here: what was not
 * among it never will be, since no leader of a later term takes what was meant for an earlier one.
 */
export class Forwarder {
  readonly #parts: ForwarderParts;
  #waiting: Forwarded[] = [];
  /** By their bytes. */
  readonly #pending = new Map<string, Forwarded>();
  #replacements = 0;
  #decidingTerm = 0;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    parts.leadership.listen((leadership) => this.#follow(leadership));
  }

  /**
   * To the leader that is known now; resolves once the command is applied here. `bytes` must be unlike those of any
   * other command. Rejects with `CELL_E_OUTCOME_UNKNOWN`, or `CELL_E_TIMEOUT` if it was written and is not applied here
   * yet; with any other code it was not written.
   */
  forward(bytes: Uint8Array, timeoutMs: number): Promise<CommandResult> {
    const { leadership, clock } = this.#parts;
    const { leaderId, term } = leadership.current;
    return new Promise((resolve, reject) => {
      const forwarded: Forwarded = {
        bytes,
        key: keyOf(bytes),
        leaderId,
        term,
        deadlineMs: clock.monotonicMs() + timeoutMs,
        replacements: this.#replacements,
        written: false,
        settled: false,
        stopTimer: () => {},
        resolve,
        reject,
      };
      this.#giveUpAfter(forwarded, timeoutMs, `member ${leaderId} did not answer in time`);
      this.#pending.set(forwarded.key, forwarded);
      this.#waiting.push(forwarded);
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** This member has applied an entry. */
  applied(bytes: Uint8Array, result: CommandResult): void {
    if (this.#pending.size === 0) return;
    const forwarded = this.#pending.get(keyOf(bytes));
    if (forwarded !== undefined) this.#settle(forwarded, () => forwarded.resolve(result));
  }

  /** A snapshot replaced the state here: what is in it was not seen one by one. */
  replaced(): void {
    this.#replacements += 1;
  }

  #flush(): void {
    const waiting = this.#waiting.filter((forwarded) => !forwarded.settled);
    this.#waiting = [];
    for (let start = 0; start < waiting.length; ) {
      const end = endOfCall(waiting, start);
      void this.#call(waiting.slice(start, end));
      start = end;
    }
  }

  async #call(batch: readonly Forwarded[]): Promise<void> {
    const { peers, clock } = this.#parts;
    const { leaderId, term } = batch[0]!;
    const deadlineMs = Math.max(...batch.map((forwarded) => forwarded.deadlineMs));
    const commands = batch.map((forwarded) => forwarded.bytes);
    try {
      const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
      const outcomes = await peers.proposeCommands(leaderId, term, commands, leftMs);
      for (const [place, forwarded] of batch.entries()) this.#answered(forwarded, outcomes[place]!);
    } catch (error) {
      const { code = 'CELL_E_INTERNAL', message } = error as Partial<CellError> & Error;
      for (const forwarded of batch) this.#answered(forwarded, { code, message });
    }
  }

  #answered(forwarded: Forwarded, outcome: ForwardOutcome): void {
    if (forwarded.settled) return;
    if ('index' in outcome) void this.#committed(forwarded, outcome.index, outcome.result);
    else if (isUnknown(outcome.code)) this.#giveUpAfter(forwarded, UNDECIDED_MS_MAX, outcome.message);
    else this.#settle(forwarded, () => forwarded.reject(new CellError(outcome.code, outcome.message)));
  }

  async #committed(forwarded: Forwarded, index: number, result: Uint8Array): Promise<void> {
    const { driver, clock } = this.#parts;
    forwarded.written = true;
    forwarded.stopTimer();
    try {
      await driver.waitApplied(index, Math.max(1, forwarded.deadlineMs - clock.monotonicMs()));
      this.#settle(forwarded, () => forwarded.resolve(JSON.parse(Buffer.from(result).toString()) as CommandResult));
    } catch (cause) {
      const message = `Change was written at index ${index}, but this member has not applied it yet; read from another`;
      this.#settle(forwarded, () => forwarded.reject(new CellError('CELL_E_TIMEOUT', message, { cause })));
    }
  }

  /** Nobody knows, unless something is heard until then. */
  #giveUpAfter(forwarded: Forwarded, timeoutMs: number, why: string): void {
    const { clock } = this.#parts;
    forwarded.stopTimer();
    const delayMs = Math.min(timeoutMs, Math.max(0, forwarded.deadlineMs - clock.monotonicMs()));
    forwarded.stopTimer = clock.after(delayMs, () =>
      this.#settle(forwarded, () => forwarded.reject(outcomeUnknown(why))),
    );
  }

  #follow({ leaderId, term }: Leadership): void {
    if (leaderId === 0 || term === this.#decidingTerm) return;
    this.#decidingTerm = term;
    void this.#decide(term);
  }

  /** Finds out about all commands of earlier terms. */
  async #decide(term: number): Promise<void> {
    if (term !== this.#decidingTerm || this.#ofEarlierTerms(term).length === 0) return;
    const { driver, clock } = this.#parts;
    try {
      await driver.readBarrier(BARRIER_MS_MAX);
    } catch {
      // Without an answer nothing is known yet; each command has its own end of patience.
      clock.after(BARRIER_RETRY_MS, () => void this.#decide(term));
      return;
    }
    for (const forwarded of this.#ofEarlierTerms(term)) {
      const { leaderId, replacements } = forwarded;
      const error =
        replacements === this.#replacements
          ? new CellError('CELL_E_NOT_LEADER', `Member ${leaderId} lost its leadership before it wrote the change`)
          : outcomeUnknown(`member ${leaderId} lost its leadership, and a snapshot took the place of what it wrote`);
      this.#settle(forwarded, () => forwarded.reject(error));
    }
  }

  #ofEarlierTerms(term: number): Forwarded[] {
    return [...this.#pending.values()].filter((forwarded) => forwarded.term < term && !forwarded.written);
  }

  #settle(forwarded: Forwarded, how: () => void): void {
    if (forwarded.settled) return;
    forwarded.settled = true;
    forwarded.stopTimer();
    if (this.#pending.get(forwarded.key) === forwarded) this.#pending.delete(forwarded.key);
    how();
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The leader said something that says nothing of the command, or nothing at all. */
function isUnknown(code: CellErrorCode): boolean {
  return ['CELL_E_PEER_UNREACHABLE', 'CELL_E_INTERNAL', 'CELL_E_OUTCOME_UNKNOWN'].includes(code);
}

/** Commands for one leader in one term, no more than one call takes. */
function endOfCall(waiting: readonly Forwarded[], start: number): number {
  const { leaderId, term } = waiting[start]!;
  let bytes = 0;
  let end = start;
  while (end < waiting.length && end - start < FORWARD_COMMANDS_MAX) {
    const next = waiting[end]!;
    bytes += next.bytes.length;
    const fits = end === start || bytes <= FORWARD_BYTES_MAX;
    if (!fits || next.leaderId !== leaderId || next.term !== term) break;
    end += 1;
  }
  return end;
}
