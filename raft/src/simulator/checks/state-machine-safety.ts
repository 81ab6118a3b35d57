import type { Entry, NodeId } from '../../core/index.ts';
import type { Check, MemberView, Verdict } from './check.ts';
import { sameData } from './check.ts';

/**
 * No two members apply different entries at the same index (the paper, figure 3); each applies every index once, in
 * order, and a snapshot is the state that the entries up to its index make.
 */
export class StateMachineSafety implements Check {
  readonly property = 'state-machine safety';
  readonly #entries = new Map<number, Entry>();
  /** How many values the state has after an index. */
  readonly #counts = new Map<number, number>();
  /** All values, in order, as the first member to apply them saw them. */
  readonly #values: number[] = [];
  readonly #applied = new Map<NodeId, number>();
  readonly #readValue: (entry: Entry) => number | undefined;
  #lastIndex: number;

  /** `start`: the index at which everyone begins, with nothing in the state. */
  constructor(start: number, readValue: (entry: Entry) => number | undefined) {
    this.#readValue = readValue;
    this.#lastIndex = start;
    this.#counts.set(start, 0);
    this.#counts.set(0, 0);
  }

  applied(member: MemberView, entry: Entry): Verdict {
    const before = this.#applied.get(member.id);
    if (before !== undefined && entry.index !== before + 1) {
      return `Member ${member.id} applied index ${entry.index} after ${before}`;
    }
    this.#applied.set(member.id, entry.index);
    const known = this.#entries.get(entry.index);
    if (known === undefined) return this.#note(entry);
    if (known.term === entry.term && sameData(known, entry)) return undefined;
    return (
      `Member ${member.id} applied an entry of term ${entry.term} at index ${entry.index}, where another member ` +
      `applied one of term ${known.term}`
    );
  }

  restored(member: MemberView, index: number, values: readonly number[]): Verdict {
    this.#applied.set(member.id, index);
    const count = this.#counts.get(index);
    if (count === undefined) return `Member ${member.id} took a snapshot at ${index}, which nobody has applied yet`;
    if (values.length === count && values.every((value, at) => value === this.#values[at])) return undefined;
    return `Member ${member.id} took a snapshot at ${index} with another state than the entries up to there make`;
  }

  #note(entry: Entry): Verdict {
    if (entry.index !== this.#lastIndex + 1) return `Index ${entry.index} was applied before ${this.#lastIndex + 1}`;
    this.#entries.set(entry.index, entry);
    this.#lastIndex = entry.index;
    const value = this.#readValue(entry);
    if (value !== undefined) this.#values.push(value);
    this.#counts.set(entry.index, this.#values.length);
    return undefined;
  }
}
