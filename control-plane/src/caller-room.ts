import type { Caller } from './ports.ts';

/** What is kept in memory for each caller of what it has said so far and nobody has taken yet. */
export class CallerRoom {
  readonly #bytes = new Map<string, number>();

  /** Callers of whom something is kept. */
  get size(): number {
    return this.#bytes.size;
  }

  /** Gives how many bytes are kept then. */
  add(key: string, bytes: number): number {
    const all = (this.#bytes.get(key) ?? 0) + bytes;
    if (all === 0) this.#bytes.delete(key);
    else this.#bytes.set(key, all);
    return all;
  }
}

/** Undefined for members: what they say to each other is the cluster's own doing. All strangers are one. */
export function roomKey(caller: Caller): string | undefined {
  switch (caller.kind) {
    case 'member':
      return undefined;
    case 'person':
      return caller.tokenId;
    case 'node':
      return `node ${caller.id}`;
    default:
      return 'strangers';
  }
}
