import type { ConfState, NodeId } from '../../core/index.ts';
import type { Check, MemberView, Verdict } from './check.ts';

/**
 * When a snapshot from the leader has been put in force, the membership in force is that of the snapshot: changes that
 * were still being applied when it came are in it already, and must not be put over it.
 */
export class RestoredMembership implements Check {
  readonly property = 'restored membership';

  installed(member: MemberView, conf: ConfState): Verdict {
    if (confText(member.conf) === confText(conf)) return undefined;
    return `Member ${member.id} took a snapshot of ${confText(conf)} and is in ${confText(member.conf)}`;
  }
}

function confText({ voters, votersOutgoing, learners, learnersNext, autoLeave }: ConfState): string {
  const sets = [voters, votersOutgoing, learners, learnersNext].map(setText).join(' ');
  return autoLeave ? `${sets} leaving` : sets;
}

function setText(ids: readonly NodeId[]): string {
  return `[${ids.toSorted((a, b) => a - b).join(' ')}]`;
}
