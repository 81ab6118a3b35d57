import type { Entry } from '../core/index.ts';
import { RaftError } from './ports.ts';

export const PENDING_PROPOSALS_MAX = 65_536;

/** One call of the core gets at most this much, so that one that is refused takes few others with it. */
const CHUNK_BYTES = 512 * 1024;
const CHUNK_ENTRIES = 1024;

export interface ProposalResult {
  readonly index: number;
  readonly result: unknown;
}

interface Proposal {
  readonly data: Uint8Array;
  /** Term of the entry that carries it; 0 while it is not in the log. */
  term: number;
  readonly resolve: (result: ProposalResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Proposals on their way: first they wait for the end of the turn, then for the entry that carries them to be
 * applied. The entry is known by its index and term: another term at that index means that it was replaced.
 */
export class Proposals {
  readonly #pendingMax: number;
  #waiting: Proposal[] = [];
  readonly #appended = new Map<number, Proposal>();
  /** Of the newest entry that was applied while proposals were in the log. */
  #appliedTerm = 0;

  constructor(pendingMax: number = PENDING_PROPOSALS_MAX) {
    this.#pendingMax = pendingMax;
  }

  add(data: Uint8Array): Promise<ProposalResult> {
    if (this.#waiting.length + this.#appended.size >= this.#pendingMax) {
      const message = `More than ${this.#pendingMax} proposals wait to be committed. Try again later`;
      return Promise.reject(new RaftError('overloaded', message));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ data, term: 0, resolve, reject });
    });
  }

  /**
   * Hands over what waits, in order and in chunks, to `append`, which puts entries into the log and returns where,
   * or throws the error for the chunk's callers.
   */
  flush(append: (data: readonly Uint8Array[]) => { readonly term: number; readonly index: number }): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (let start = 0; start < waiting.length; ) {
      const end = endOfChunk(waiting, start);
      const chunk = waiting.slice(start, end);
      start = end;
      this.#appendChunk(chunk, append);
    }
  }

  /** Follows an entry that was appended otherwise. */
  track(place: { readonly term: number; readonly index: number }): Promise<ProposalResult> {
    return new Promise((resolve, reject) => {
      this.#appended.set(place.index, { data: new Uint8Array(0), term: place.term, resolve, reject });
    });
  }

  /** The entry was applied with this result. Called for all entries, in order. */
  applied(entry: Entry, result: unknown): void {
    if (entry.term > this.#appliedTerm) this.#laterTerm(entry.term);
    const proposal = this.#appended.get(entry.index);
    if (proposal === undefined || proposal.term !== entry.term) return;
    this.#appended.delete(entry.index);
    proposal.resolve({ index: entry.index, result });
  }

  /** Terms never fall along the log: what comes behind this one and is of an earlier term is not committed, ever. */
  #laterTerm(term: number): void {
    this.#appliedTerm = term;
    for (const [index, proposal] of this.#appended) {
      if (proposal.term >= term) continue;
      this.#appended.delete(index);
      proposal.reject(new RaftError('not-leader', `Leadership of term ${proposal.term} ended before it was committed`));
    }
  }

  get hasAppended(): boolean {
    return this.#appended.size > 0;
  }

  /** A snapshot took the place of the entries up to `index`. */
  coveredBySnapshot(index: number): void {
    this.#rejectAppended((place) => place <= index, 'a snapshot took the place of its entry');
  }

  /** Leadership of `term` was lost long ago, and nothing was heard of its entries. */
  giveUp(term: number): void {
    this.#rejectAppended((_, proposal) => proposal.term <= term, `leadership of term ${term} was lost meanwhile`);
  }

  rejectAll(reason: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const proposal of waiting) proposal.reject(new RaftError('stopped', `Proposal was not made: ${reason}`));
    this.#rejectAppended(() => true, reason);
  }

  #appendChunk(
    chunk: readonly Proposal[],
    append: (data: readonly Uint8Array[]) => { readonly term: number; readonly index: number },
  ): void {
    try {
      const { term, index } = append(chunk.map((proposal) => proposal.data));
      let at = index;
      for (const proposal of chunk) {
        proposal.term = term;
        // An older one at the same index was replaced in our own log: it can't be committed any more.
        this.#appended.get(at)?.reject(unknown(`another entry took its place at index ${at}`));
        this.#appended.set(at, proposal);
        at += 1;
      }
    } catch (error) {
      for (const proposal of chunk) proposal.reject(error as Error);
      if (!(error instanceof RaftError)) throw error;
    }
  }

  #rejectAppended(concerns: (index: number, proposal: Proposal) => boolean, reason: string): void {
    for (const [index, proposal] of this.#appended) {
      if (!concerns(index, proposal)) continue;
      this.#appended.delete(index);
      proposal.reject(unknown(reason));
    }
  }
}

function endOfChunk(waiting: readonly Proposal[], start: number): number {
  let bytes = 0;
  let end = start;
  while (end < waiting.length && end - start < CHUNK_ENTRIES) {
    bytes += (waiting[end] as Proposal).data.length;
    if (bytes > CHUNK_BYTES && end > start) break;
    end += 1;
  }
  return end;
}

function unknown(reason: string): RaftError {
  return new RaftError('outcome-unknown', `Proposal may or may not be committed: ${reason}`);
}
