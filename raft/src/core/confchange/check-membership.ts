import { InvariantError } from '../invariant-error.ts';
import type { MembershipStep } from '../progress/tracker.ts';

/**
 * What must hold of every membership, checked before one is put in force: voters and learners don't overlap, the
 * next learners are voters of the outgoing set, everybody is tracked, and only a joint one has anything to leave.
 */
export function checkMembership({ membership, progress }: MembershipStep): void {
  const { voters, learners, learnersNext, autoLeave } = membership;
  for (const id of [...voters.incoming, ...voters.outgoing, ...learners, ...learnersNext]) {
    if (!progress.has(id)) throw new InvariantError(`Member '${id}' has no progress`);
  }
  for (const id of learnersNext) {
    if (!voters.outgoing.includes(id)) throw new InvariantError(`Next learner '${id}' is not an outgoing voter`);
    if (progress.get(id)?.learner === true) throw new InvariantError(`Next learner '${id}' is a learner already`);
  }
  for (const id of learners) {
    if (voters.outgoing.includes(id)) throw new InvariantError(`Learner '${id}' is an outgoing voter`);
    if (voters.incoming.includes(id)) throw new InvariantError(`Learner '${id}' is a voter`);
    if (progress.get(id)?.learner !== true) throw new InvariantError(`Learner '${id}' is not tracked as one`);
  }
  if (voters.outgoing.length === 0 && (learnersNext.length > 0 || autoLeave)) {
    throw new InvariantError('Only a joint membership can have next learners or leave by itself');
  }
}
