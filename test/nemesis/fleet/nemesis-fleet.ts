import { setTimeout } from 'node:timers/promises';
import { type CellClient, connect } from '@cell/sdk';
import type { FleetIdentity } from '../../cluster/harness/fleet-identity.ts';
import type { Network } from '../network/namespaces.ts';
import type { DataDisk } from './data-disk.ts';
import { NemesisMember } from './nemesis-member.ts';

export interface NemesisFleetParts {
  readonly folder: string;
  readonly network: Network;
  /** Members at the beginning; the network may have room for more. */
  readonly founders: number;
  /** Told of a member that ended though nobody ended it. */
  readonly onUnexpectedEnd: (member: NemesisMember, lastWords: string) => void;
  readonly mount: ((folder: string) => DataDisk) | undefined;
  readonly clockLibrary: string | undefined;
  readonly identity: FleetIdentity;
}

/** Many processes at once, on a machine that may have other things to do. */
const START_MS_MAX = 60_000;
const LEADER_MS_MAX = 1_000;
const WATCH_MS = 50;
/** A member that found its disk full may take so long to end, while there is room again already. */
const DYING_MS_MAX = 5_000;
/** How a member says that it ended for want of room. */
const DISK_FULL = /^CELL_E_DISK_FULL\b/;
/** And that it ended since it was removed. */
const REMOVED = /^CELL_E_REMOVED\b/;

/** Real members, each behind its own link, watched so that none ends unnoticed. */
export class NemesisFleet {
  /** All that there ever were, ordered by id, which counts from 1. */
  readonly everyone: NemesisMember[] = [];
  readonly #parts: NemesisFleetParts;
  readonly #removed = new Set<NemesisMember>();
  readonly #onUnexpectedEnd: NemesisFleetParts['onUnexpectedEnd'];
  #watching = true;
  readonly #watch: Promise<void>;
  /** Until when members may end for want of room, on the monotonic clock. */
  readonly #fullDisksUntilMs = new Map<NemesisMember, number>();

  constructor(parts: NemesisFleetParts) {
    this.#parts = parts;
    while (this.everyone.length < parts.founders) this.#make();
    this.#onUnexpectedEnd = parts.onUnexpectedEnd;
    this.#watch = this.#watchEnds();
  }

  /** Those that were not removed. */
  get members(): readonly NemesisMember[] {
    return this.everyone.filter((member) => !this.#removed.has(member));
  }

  /** Of all that were started, removed ones included: they must not answer with what is no longer so. */
  get addresses(): readonly string[] {
    return this.everyone.filter((member) => member.started).map((member) => member.grpcAddress);
  }

  /** A client that may do everything; whoever asked for it closes it. */
  operators(addresses: readonly string[], timeoutMs: number): CellClient {
    return connect({ addresses, timeoutMs, identity: this.#parts.identity.operator });
  }

  /** A new member, which does not run yet; undefined if there is no place for one. */
  enlarge(): NemesisMember | undefined {
    return this.everyone.length < this.#parts.network.members ? this.#make() : undefined;
  }

  /** It is to be taken out of the cluster, and may end for that from now on. */
  removes(member: NemesisMember): void {
    this.#removed.add(member);
  }

  #make(): NemesisMember {
    const member = new NemesisMember({ ...this.#parts, id: this.everyone.length + 1 });
    this.everyone.push(member);
    return member;
  }

  async start(): Promise<void> {
    for (const member of this.members) member.up();
    await Promise.all(this.members.map((member) => member.ready(START_MS_MAX)));
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
    await Promise.all(this.everyone.map((member) => member.down()));
    for (const member of this.everyone) member.disk?.unmount();
  }

  async #watchEnds(): Promise<void> {
    while (this.#watching) {
      for (const member of this.everyone) {
        if (member.wanted && !member.running) this.#ended(member);
      }
      await setTimeout(WATCH_MS);
    }
  }

  #ended(member: NemesisMember): void {
    member.wanted = false;
    const words = member.lastWords();
    if (this.#removed.has(member) && REMOVED.test(words)) return;
    const untilMs = this.#fullDisksUntilMs.get(member) ?? 0;
    if (!DISK_FULL.test(words) || performance.now() > untilMs) this.#onUnexpectedEnd(member, words);
    else if (Number.isFinite(untilMs)) member.up();
  }
}
