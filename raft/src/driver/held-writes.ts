import type { Entry, HardState, Message } from '../core/index.ts';

/** Messages that could not go out, as the term that they stand on could not be stored; older ones count as lost. */
const WAITING_MAX = 1_000;

/** What a write without room leaves to be done. */
interface HeldWrite {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  readonly responses: readonly Message[];
}

/**
 * Entries that the disk has no room for. They stay in memory, so that reads can go on; and nobody is told that they
 * are stored. What promises only what is stored already goes out.
 */
export class HeldWrites {
  #entries: Entry[] = [];
  #bytes = 0;
  #hardState: HardState | undefined;
  /** Answers that speak of the held entries: of each kind and receiver the last, which says all. */
  readonly #promises = new Map<string, Message>();
  #waiting: Message[] = [];

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Bytes of entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest one of the held writes. */
  get hardState(): HardState | undefined {
    return this.#hardState;
  }

  /** `lastStored`: the last index in the store. */
  add(write: HeldWrite, lastStored: number): void {
    this.#replaceTail(write.entries);
    this.#hardState = write.hardState ?? this.#hardState;
    const stored = this.validTo(lastStored);
    for (const response of write.responses) this.#sort(response, stored);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.splice(0, this.#waiting.length - WAITING_MAX);
  }

  /** How far the store, which ends at `lastStored`, has the member's log: what follows may be replaced by what is held. */
  validTo(lastStored: number): number {
    return Math.min(lastStored, (this.#entries[0]?.index ?? Number.POSITIVE_INFINITY) - 1);
  }

  /** What may go out once term and vote are stored. */
  takeWaiting(): readonly Message[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** The first `count` entries are stored. */
  stored(count: number): void {
    for (const entry of this.#entries.slice(0, count)) this.#bytes -= entry.data.length;
    this.#entries = this.#entries.slice(count);
  }

  /** What may go out once all is stored. */
  takeAll(): readonly Message[] {
    const all = [...this.#waiting, ...this.#promises.values()];
    this.clear();
    return all;
  }

  /** A snapshot took the place of it all. */
  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#hardState = undefined;
    this.#promises.clear();
    this.#waiting = [];
  }

  #replaceTail(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const keep = Math.max(0, first.index - (this.#entries[0]?.index ?? first.index));
    for (const entry of this.#entries.splice(keep)) this.#bytes -= entry.data.length;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** An acknowledgement of more than what is stored is cut down to that, and the rest is told to have arrived. */
  #sort(response: Message, stored: number): void {
    const { type, to, index, reject } = response;
    if (type === 'storage-append-response') {
      // An earlier one may tell of a snapshot, which a later one does not tell again.
      const snapshot = response.snapshot ?? this.#promises.get(type)?.snapshot;
      this.#promises.set(type, { ...response, snapshot });
      return;
    }
    if (type !== 'append-response' || reject || index <= stored) {
      this.#waiting.push(response);
      return;
    }
    this.#promises.set(`${type} ${to}`, response);
    this.#waiting.push({ ...response, index: stored }, { ...response, type: 'append-received' });
  }
}
