import type { SoftState } from '@cell/raft';
import type { Leadership } from '../ports.ts';

/** Who leads, as far as this member knows, and who wants to know when that changes. */
export class LeadershipTracker {
  #current: Leadership = { leaderId: 0, leading: false, term: 0 };
  readonly #listeners = new Set<(leadership: Leadership) => void>();

  get current(): Leadership {
    return this.#current;
  }

  update({ leader, role }: SoftState, term: number): void {
    const leading = role === 'leader';
    const before = this.#current;
    if (before.leaderId === leader && before.leading === leading && before.term === term) return;
    this.#current = { leaderId: leader, leading, term };
    for (const listener of this.#listeners) listener(this.#current);
  }

  listen(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
