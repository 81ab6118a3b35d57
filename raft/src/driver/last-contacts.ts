import type { Message, NodeId } from '../core/index.ts';

/** Members that are remembered: the newest. Far more than a cluster has. */
const MEMBERS_MAX = 64;

/** When each member was heard of last. Time is counted in ticks, so it stands still while the process does. */
export class LastContacts {
  readonly #tickMs: number;
  /** The one heard of last is at the end. */
  readonly #tickByMember = new Map<NodeId, number>();
  #now = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  tick(): void {
    this.#now += 1;
  }

  /** Who sent these was heard of just now; as a rule it is one member. */
  heardBy(messages: readonly Message[]): void {
    let last: NodeId = 0;
    for (const { from } of messages) {
      if (from !== last) this.heardOf(from);
      last = from;
    }
  }

  heardOf(member: NodeId): void {
    this.#tickByMember.delete(member);
    this.#tickByMember.set(member, this.#now);
    if (this.#tickByMember.size <= MEMBERS_MAX) return;
    const [oldest] = this.#tickByMember.keys();
    this.#tickByMember.delete(oldest as NodeId);
  }

  /** Milliseconds since then, to within a tick; undefined if it was never heard of. */
  ageMs(member: NodeId): number | undefined {
    const tick = this.#tickByMember.get(member);
    return tick === undefined ? undefined : (this.#now - tick) * this.#tickMs;
  }
}
