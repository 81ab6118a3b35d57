import type { NodeId } from '../../core/index.ts';
import type { Verdict } from './check.ts';

/** Reads see everything that was committed when they were asked for (the dissertation, 6.4). */
export class FreshReads {
  readonly property = 'fresh reads';
  readonly #asked = new Map<number, number>();

  /** Read `id` begins, when `committed` is the highest index that anyone knows to be committed. */
  asked(id: number, committed: number): void {
    this.#asked.set(id, committed);
  }

  /** Read `id` is answered: `member` may serve it once it has applied `index`. */
  answered(id: number, member: NodeId, index: number): Verdict {
    const committed = this.#asked.get(id);
    if (committed === undefined) return `Member ${member} was answered a read that nobody asked for`;
    if (index >= committed) return undefined;
    return `Member ${member} may serve a read at index ${index}, and ${committed} was committed before it was asked`;
  }
}
