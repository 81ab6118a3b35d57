import type { Caller } from './ports.ts';

/** How much there is of something for each caller: calls under way, bytes that are kept. */
export class CallerCounts {
  readonly #counts = new Map<string, number>();

  /** Callers for whom there is something. */
  get size(): number {
    return this.#counts.size;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Gives how much there is then. */
  add(key: string, difference: number): number {
    const all = this.of(key) + difference;
    if (all === 0) this.#counts.delete(key);
    else this.#counts.set(key, all);
    return all;
  }
}

/** One for each token, node and member; undefined for those who have no identity. */
export function callerKey(caller: Caller): string | undefined {
  switch (caller.kind) {
    case 'nobody':
      return undefined;
    case 'person':
      return caller.tokenId;
    default:
      return `${caller.kind} ${caller.id}`;
  }
}
