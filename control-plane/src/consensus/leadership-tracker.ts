import type { SoftState } from '@cell/raft';
import type { Clock, Leadership } from '../ports.ts';

/** An election takes well below a second; who has seen no leader for so long waits for people, not for an election. */
export const LEADERLESS_MS_MAX = 3000;

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

  /** Resolves once a leader is known, with false if none comes up in time. */
  known(clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.#current.leaderId !== 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (found: boolean) => {
        stop();
        unlisten();
        resolve(found);
      };
      const stop = clock.after(timeoutMs, () => settle(false));
      const unlisten = this.listen(({ leaderId }) => {
        if (leaderId !== 0) settle(true);
      });
    });
  }

  listen(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
