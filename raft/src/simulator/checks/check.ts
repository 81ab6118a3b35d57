import type { ConfState, Entry, Message, NodeId, Role } from '../../core/index.ts';

/** A member as it is seen from outside, after each step. */
export interface MemberView {
  readonly id: NodeId;
  /** How often it was started, this time included. */
  readonly start: number;
  readonly role: Role;
  readonly term: number;
  readonly commit: number;
  /** The last index whose application the core knows of: changes of membership up to there are in force. */
  readonly applied: number;
  readonly lastIndex: number;
  readonly conf: ConfState;
}

/** A member's log as far as the core has shown it, or as far as it is on the disk. */
export interface LogView {
  /** The first index that is not compacted. */
  firstIndex(): number;
  lastIndex(): number;
  /** Throws if the index is below `firstIndex() - 1` or above `lastIndex()`. */
  term(index: number): number;
}

export interface EntryLogView extends LogView {
  entries(low: number, high: number, sizeMax: number): readonly Entry[];
}

/** What is on a member's disk for certain. */
export interface DurableView extends LogView {
  initialState(): { readonly hardState: { readonly term: number; readonly vote: NodeId } };
}

/** What went wrong, in words; `undefined` if nothing did. */
export type Verdict = string | undefined;

/**
 * A property that must hold at every moment. The simulation reports what happens to the methods that a check has;
 * a check keeps what it needs of the history, and does nothing else: no clock, no chance, no I/O.
 */
export interface Check {
  readonly property: string;
  /** A member took in a message, a tick or a request. `before` is of the same start. */
  stepped?(before: MemberView | undefined, after: MemberView): Verdict;
  /** A member's log changed: it ends in `entries` now, which follow on an entry of `previousTerm`. */
  logged?(member: MemberView, entries: readonly Entry[], previousTerm: number | undefined): Verdict;
  /** A member considers its log committed up to `member.commit`; it did so before up to `from`. */
  committed?(member: MemberView, from: number, log: EntryLogView): Verdict;
  /** A message went out while the sender's disk was in this state. */
  sent?(message: Message, disk: DurableView): Verdict;
  /** A committed change of membership took effect. */
  reconfigured?(member: MemberView, before: ConfState, after: ConfState): Verdict;
  applied?(member: MemberView, entry: Entry): Verdict;
  /** A snapshot from the leader, with this membership, has been put in force. */
  installed?(member: MemberView, conf: ConfState): Verdict;
  /** The state machine was set to a snapshot: at a start, or from the leader. `values` is its state then. */
  restored?(member: MemberView, index: number, values: readonly number[]): Verdict;
}

/** The term at `index`, or `undefined` if the log does not tell. */
export function termAt(log: LogView, index: number): number | undefined {
  return index < log.firstIndex() - 1 || index > log.lastIndex() ? undefined : log.term(index);
}

export function sameData(a: Entry, b: Entry): boolean {
  if (a.type !== b.type) return false;
  // Entries travel through the simulation without being copied, so most often it is the very same array.
  return a.data === b.data || (a.data.length === b.data.length && a.data.every((byte, at) => byte === b.data[at]));
}
