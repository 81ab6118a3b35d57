import type { ConfState, Entry, NodeId } from '../../core/index.ts';
import type { Check, EntryLogView, MemberView, Verdict } from './check.ts';

/**
 * Majorities of one membership and of the next one overlap: either a single voter changes, or a joint configuration
 * lies between (the dissertation, 4.1 and 4.3); and a leader adds no change while an earlier one is not committed.
 */
export class OverlappingMemberships implements Check {
  readonly property = 'overlapping memberships';
  readonly #logOf: (member: MemberView) => EntryLogView;

  constructor(logOf: (member: MemberView) => EntryLogView) {
    this.#logOf = logOf;
  }

  logged(member: MemberView, entries: readonly Entry[]): Verdict {
    if (member.role !== 'leader' || !entries.some(isChange)) return undefined;
    const log = this.#logOf(member);
    const low = Math.max(member.commit + 1, log.firstIndex());
    const open = log.entries(low, log.lastIndex() + 1, Number.POSITIVE_INFINITY).filter(isChange);
    // One of a predecessor may be there, too, but only if this leader added none.
    if (open.length < 2 || open.at(-1)?.term !== member.term) return undefined;
    const indexes = open.map(({ index }) => index).join(' ');
    return `Leader ${member.id} has changes of membership at [${indexes}], committed is ${member.commit}`;
  }

  reconfigured(member: MemberView, before: ConfState, after: ConfState): Verdict {
    if (overlaps(before, after)) return undefined;
    return `Member ${member.id} went from [${votersText(before)}] to [${votersText(after)}] at once`;
  }
}

function isChange({ type }: Entry): boolean {
  return type === 'conf-change';
}

function overlaps(before: ConfState, after: ConfState): boolean {
  const wasJoint = before.votersOutgoing.length > 0;
  const isJoint = after.votersOutgoing.length > 0;
  if (wasJoint) {
    return same(before.voters, after.voters) && (!isJoint || same(before.votersOutgoing, after.votersOutgoing));
  }
  if (isJoint) return same(before.voters, after.votersOutgoing);
  return new Set(before.voters).symmetricDifference(new Set(after.voters)).size <= 1;
}

function same(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return new Set(a).symmetricDifference(new Set(b)).size === 0;
}

function votersText({ voters, votersOutgoing }: ConfState): string {
  return votersOutgoing.length > 0 ? `${voters.join(' ')} and ${votersOutgoing.join(' ')}` : voters.join(' ');
}
