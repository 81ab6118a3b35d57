import type { MemberRow } from '../../model/members.ts';
import type { MemberAddress } from '../../ports.ts';

/** A member, and the random name of its data folder: empty if it is not known. */
export interface KnownMember extends MemberAddress {
  readonly incarnation: string;
}

/** Who belongs to the control plane now, and where. */
export interface Directory {
  /** Ordered by id, this member included unless it was removed. A new list at each change. */
  readonly members: readonly KnownMember[];
  find(id: number): KnownMember | undefined;
  /** Whether it was a member, and will never be one again. */
  removed(id: number): boolean;
  /** Notes a caller of our cluster that is not known here yet: whoever lags behind must be able to answer its leader. */
  learn(member: KnownMember): void;
  /** Calls after each change; returns how to stop. */
  listen(listener: () => void): () => void;
}

/** Callers that are remembered until the table tells of them: a cluster has no more members than that. */
const LEARNED_MAX = 16;

/**
 * The directory of a running member. What the replicated table says counts; before it has rows, or has been replayed,
 * those who were there when this member entered the cluster do.
 */
export class MemberDirectory implements Directory {
  readonly #entered: readonly KnownMember[];
  readonly #learned = new Map<number, KnownMember>();
  readonly #listeners = new Set<() => void>();
  #rows: ReadonlyMap<number, MemberRow> = new Map();
  #members: readonly KnownMember[];

  constructor(entered: readonly KnownMember[]) {
    this.#entered = entered;
    this.#members = this.#gather();
  }

  get members(): readonly KnownMember[] {
    return this.#members;
  }

  find(id: number): KnownMember | undefined {
    return this.#members.find((member) => member.id === id);
  }

  removed(id: number): boolean {
    return this.#rows.get(id)?.status === 'removed';
  }

  learn(member: KnownMember): void {
    if (this.find(member.id) !== undefined || this.removed(member.id)) return;
    if (this.#learned.size >= LEARNED_MAX) return;
    this.#learned.set(member.id, member);
    this.#update();
  }

  /** Takes over what the table says now. */
  follow(rows: ReadonlyMap<number, MemberRow>): void {
    this.#rows = rows;
    for (const id of rows.keys()) this.#learned.delete(id);
    this.#update();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #update(): void {
    const members = this.#gather();
    if (sameMembers(members, this.#members)) return;
    this.#members = members;
    for (const listener of this.#listeners) listener();
  }

  #gather(): KnownMember[] {
    const rows = [...this.#rows.values()].filter(({ status }) => status !== 'removed');
    const known = this.#rows.size > 0 ? rows.map(addressesOf) : this.#entered;
    return byId([...known, ...this.#learned.values().filter(({ id }) => known.every((member) => member.id !== id))]);
  }
}

function addressesOf({ id, grpc, peers, http, incarnation }: MemberRow): KnownMember {
  return { id, grpc, peers, http, incarnation };
}

function byId(members: readonly KnownMember[]): KnownMember[] {
  return [...members].sort((left, right) => left.id - right.id);
}

function sameMembers(left: readonly KnownMember[], right: readonly KnownMember[]): boolean {
  return left.length === right.length && left.every((member, place) => sameMember(member, right[place]!));
}

function sameMember(left: KnownMember, right: KnownMember): boolean {
  const keys = ['id', 'grpc', 'peers', 'http', 'incarnation'] as const;
  return keys.every((key) => left[key] === right[key]);
}
