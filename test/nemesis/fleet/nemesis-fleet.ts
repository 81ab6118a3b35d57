import { setTimeout } from 'node:timers/promises';
import type { Network } from '../network/namespaces.ts';
import type { DataDisk } from './data-disk.ts';
import { NemesisMember } from './nemesis-member.ts';

export interface NemesisFleetParts {
  readonly folder: string;
  readonly network: Network;
  /** Told of a member that ended though nobody ended it. */
  readonly onUnexpectedEnd: (member: NemesisMember, lastWords: string) => void;
  readonly mount: ((folder: string) => DataDisk) | undefined;
  readonly clockLibrary: string | undefined;
}

const LEADER_MS_MAX = 1_000;
const WATCH_MS = 50;
/** A member that found its disk full may take so long to end, while there is room again already. */
const DYING_MS_MAX = 5_000;
/** How a member says that it ended for want of room. */
const DISK_FULL = /^CELL_E_DISK_FULL\b/;

/** Real members, each behind its own link, watched so that none ends unnoticed. */
export class NemesisFleet {
  readonly members: readonly NemesisMember[];
  readonly #onUnexpectedEnd: NemesisFleetParts['onUnexpectedEnd'];
  #watching = true;
  readonly #watch: Promise<void>;
  /** Until when members may end for want of room, on the monotonic clock. */
  readonly #fullDisksUntilMs = new Map<NemesisMember, number>();

  constructor(parts: NemesisFleetParts) {
    const { network } = parts;
    this.members = Array.from(
      { length: network.members },
      (_, place) => new NemesisMember({ ...parts, id: place + 1, members: network.members }),
    );
    this.#onUnexpectedEnd = parts.onUnexpectedEnd;
    this.#watch = this.#watchEnds();
  }

  get addresses(): readonly string[] {
    return this.members.map((member) => member.grpcAddress);
  }

  member(id: number): NemesisMember {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`There is no member ${id}`);
    return member;
  }

  async start(): Promise<void> {
    for (const member of this.members) member.up();
    await Promise.all(this.members.map((member) => member.ready()));
  }

  /** One that says so of itself; undefined if none does, or none soon. */
  async leader(): Promise<NemesisMember | undefined> {
    const asked = this.members.map(async (member) => {
      if (await member.leads()) return member;
      throw new Error(`${member.name} does not lead`);
    });
    return Promise.race([Promise.any(asked).catch(() => undefined), setTimeout(LEADER_MS_MAX, undefined)]);
  }

  /** It may end for want of room; then it is started again when there is some. */
  diskFull(member: NemesisMember): void {
    member.disk?.fill();
    this.#fullDisksUntilMs.set(member, Number.POSITIVE_INFINITY);
  }

  diskFree(member: NemesisMember): void {
    member.disk?.empty();
    this.#fullDisksUntilMs.set(member, performance.now() + DYING_MS_MAX);
    member.up();
  }

  async stop(): Promise<void> {
    this.#watching = false;
    await this.#watch;
    await Promise.all(this.members.map((member) => member.down()));
    for (const member of this.members) member.disk?.unmount();
  }

  async #watchEnds(): Promise<void> {
    while (this.#watching) {
      for (const member of this.members) {
        if (member.wanted && !member.running) this.#ended(member);
      }
      await setTimeout(WATCH_MS);
    }
  }

  #ended(member: NemesisMember): void {
    member.wanted = false;
    const words = member.lastWords();
    const untilMs = this.#fullDisksUntilMs.get(member) ?? 0;
    if (!DISK_FULL.test(words) || performance.now() > untilMs) this.#onUnexpectedEnd(member, words);
    else if (Number.isFinite(untilMs)) member.up();
  }
}
