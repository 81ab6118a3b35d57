import type { Entry } from '../core/index.ts';
import { RaftError } from './ports.ts';

const PENDING_PROPOSALS_MAX = 65_536;

/** Bytes of proposals that have no result yet. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** One call of the core gets at most this much, so that one that is refused takes few others with it. */
const CHUNK_BYTES = 512 * 1024;
const CHUNK_ENTRIES = 1024;

export interface ProposalResult {
  readonly index: number;
  readonly result: unknown;
}

const NO_BYTES = new Uint8Array(0);

interface Proposal {
  /** Empty once it is in the log, which has it then. */
  data: Uint8Array;
  /** Of the data, also when that is in the log: without a result, nobody knows how long it stays there. */
  readonly bytes: number;
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
  readonly #pendingBytesMax: number;
  #waiting: Proposal[] = [];
  readonly #appended = new Map<number, Proposal>();
  /** Of the newest entry that was applied while proposals were in the log. */
  #appliedTerm = 0;
  #pendingBytes = 0;

  constructor(pendingMax: number = PENDING_PROPOSALS_MAX, pendingBytesMax: number = PENDING_BYTES_MAX) {
    this.#pendingMax = pendingMax;
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** How many wait for their result. */
  get pending(): number {
    return this.#waiting.length + this.#appended.size;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  add(data: Uint8Array): Promise<ProposalResult> {
    const bytes = data.length;
    if (this.pending >= this.#pendingMax) return overloaded(`${this.#pendingMax} proposals`);
    // A single one may be larger than the limit: else it could never be made.
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#pendingBytesMax) {
      return overloaded(`${this.#pendingBytesMax} bytes of proposals`);
    }
    this.#pendingBytes += bytes;
    return new Promise<ProposalResult>((resolve, reject) => {
      this.#waiting.push({ data, bytes, term: 0, resolve, reject });
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
      this.#replaceAt(place.index, { data: NO_BYTES, bytes: 0, term: place.term, resolve, reject });
    });
  }

  /** The entry was applied with this result. Called for all entries, in order. */
  applied(entry: Entry, result: unknown): void {
    if (entry.term > this.#appliedTerm) this.#laterTerm(entry.term);
    const proposal = this.#appended.get(entry.index);
    if (proposal === undefined || proposal.term !== entry.term) return;
    this.#remove(entry.index, proposal);
    proposal.resolve({ index: entry.index, result });
  }

  /** Terms never fall along the log: what comes behind this one and is of an earlier term is not committed, ever. */
  #laterTerm(term: number): void {
    this.#appliedTerm = term;
    for (const [index, proposal] of this.#appended) {
      if (proposal.term >= term) continue;
      this.#remove(index, proposal);
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
    for (const proposal of waiting) {
      this.#pendingBytes -= proposal.bytes;
      proposal.reject(new RaftError('stopped', `Proposal was not made: ${reason}`));
    }
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
        proposal.data = NO_BYTES;
        this.#replaceAt(at, proposal);
        at += 1;
      }
    } catch (error) {
      for (const proposal of chunk) {
        this.#pendingBytes -= proposal.bytes;
        proposal.reject(error as Error);
      }
      if (!(error instanceof RaftError)) throw error;
    }
  }

  #replaceAt(index: number, proposal: Proposal): void {
    const older = this.#appended.get(index);
    // Replaced in our own log: it can't be committed any more.
    if (older !== undefined) {
      this.#remove(index, older);
      older.reject(unknown(`another entry took its place at index ${index}`));
    }
    this.#appended.set(index, proposal);
  }

  #remove(index: number, proposal: Proposal): void {
    this.#appended.delete(index);
    this.#pendingBytes -= proposal.bytes;
  }

  #rejectAppended(concerns: (index: number, proposal: Proposal) => boolean, reason: string): void {
    for (const [index, proposal] of this.#appended) {
      if (!concerns(index, proposal)) continue;
      this.#remove(index, proposal);
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

function overloaded(what: string): Promise<never> {
  const message = `More than ${what} wait to be committed. Try again later`;
  return Promise.reject(new RaftError('overloaded', message));
}

function unknown(reason: string): RaftError {
  return new RaftError('outcome-unknown', `Proposal may or may not be committed: ${reason}`);
}
