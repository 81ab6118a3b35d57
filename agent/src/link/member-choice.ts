import type { Random } from '../ports.ts';

const ADDRESSES_MAX = 32;

/** Which member of the control plane comes next: all in turn, each agent in an order of its own. */
export class MemberChoice {
  readonly #configured: readonly string[];
  readonly #random: Random;
  #turn: string[] = [];
  #learned: readonly string[] = [];

  constructor(configured: readonly string[], random: Random) {
    this.#configured = configured;
    this.#random = random;
  }

  /** What a member said about all members. The configured ones stay: they are how a lost fleet is found again. */
  learn(addresses: readonly string[]): void {
    this.#learned = addresses.slice(0, ADDRESSES_MAX);
  }

  get addresses(): readonly string[] {
    return [...new Set([...this.#learned, ...this.#configured])].slice(0, ADDRESSES_MAX);
  }

  /** The last one comes again only after all others. */
  next(last = ''): string {
    if (this.#turn.length === 0) {
      const shuffled = this.#shuffle(this.addresses);
      this.#turn = [
        ...shuffled.filter((address) => address !== last),
        ...shuffled.filter((address) => address === last),
      ];
    }
    return this.#turn.shift()!;
  }

  #shuffle(addresses: readonly string[]): string[] {
    const shuffled = [...addresses];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.#random() * (index + 1));
      [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
    }
    return shuffled;
  }
}
