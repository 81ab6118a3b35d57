import { decodeConfChange } from './confchange/conf-change-codec.ts';
import { CoreError } from './core-error.ts';
import { InvariantError } from './invariant-error.ts';
import { planMembership } from './membership.ts';
import { NO_BYTES } from './message.ts';
import type { Raft } from './raft.ts';
import { appendOwn, broadcastAppend } from './replication.ts';
import type { ConfChange, Entry } from './types.ts';

const NOTHING: Entry = { term: 0, index: 0, type: 'normal', data: NO_BYTES };

/** Proposals at the leader. Throws CoreError `proposal-dropped`, or `conf-change-malformed`; then nothing is appended. */
export function proposeAsLeader(raft: Raft, proposed: readonly Entry[]): void {
  if (proposed.length === 0) throw new InvariantError('A proposal needs at least one entry');
  // Not a member any more, but still leading: only without stepDownOnRemoval.
  if (!raft.tracker.progress.has(raft.id)) throw dropped('this leader was removed');
  if (raft.transferee !== 0) {
    raft.trace({
      level: 'debug',
      kind: 'proposal-dropped-transfer',
      id: raft.id,
      term: raft.term,
      to: raft.transferee,
    });
    throw dropped(`leadership is being transferred to '${raft.transferee}'`);
  }
  const pendingConfIndex = raft.pendingConfIndex;
  if (!appendOwn(raft, checkConfChanges(raft, proposed))) {
    raft.pendingConfIndex = pendingConfIndex;
    throw dropped('too much is waiting to be committed');
  }
  broadcastAppend(raft);
}

export function dropped(reason: string): CoreError {
  return new CoreError('proposal-dropped', `Raft proposal dropped: ${reason}`);
}

/** Puts an empty entry in the place of each membership change that may not be made now; the others are noted. */
function checkConfChanges(raft: Raft, proposed: readonly Entry[]): readonly Entry[] {
  let checked: Entry[] | undefined;
  for (let i = 0; i < proposed.length; i++) {
    const entry = proposed[i] as Entry;
    if (entry.type !== 'conf-change') continue;
    const change = decodeConfChange(entry.data);
    const reason = raft.config.disableConfChangeValidation ? undefined : whyNotNow(raft, change);
    if (reason === undefined) {
      raft.pendingConfIndex = raft.log.lastIndex() + i + 1;
      continue;
    }
    raft.trace({
      level: 'info',
      kind: 'conf-change-ignored',
      id: raft.id,
      change,
      conf: raft.tracker.confState(),
      reason,
    });
    checked ??= proposed.slice();
    checked[i] = NOTHING;
  }
  return checked ?? proposed;
}

/** Why `change` may not be appended now; `undefined` if it may. */
export function whyNotNow(raft: Raft, change: ConfChange): string | undefined {
  // One at a time: the next change is computed from the membership that the last one makes.
  if (raft.pendingConfIndex > raft.log.applied) {
    return `possible unapplied conf change at index ${raft.pendingConfIndex} (applied to ${raft.log.applied})`;
  }
  const joint = raft.tracker.membership.voters.outgoing.length > 0;
  const leaves = change.changes.length === 0;
  if (joint && !leaves) return 'must transition out of joint config first';
  if (!joint && leaves) return 'not in joint state; refusing empty conf change';
  return whyImpossible(raft, change);
}

/** Why `change` can't follow on the membership in force (it removes every voter, for instance). */
export function whyImpossible(raft: Raft, change: ConfChange): string | undefined {
  try {
    planMembership(raft, change);
    return undefined;
  } catch (error) {
    if (error instanceof CoreError) return error.message;
    throw error;
  }
}
