import { Changer, restoreMembership } from './confchange/changer.ts';
import { CoreError } from './core-error.ts';
import type { Progress } from './progress/progress.ts';
import type { MembershipStep } from './progress/tracker.ts';
import type { Raft } from './raft.ts';
import { releasePendingReads } from './reads.ts';
import { broadcastAppend, maybeCommit, maybeSendAppend } from './replication.ts';
import { becomeFollower } from './roles.ts';
import type { ConfChange, ConfState } from './types.ts';

/** Works out what `change` makes of the membership in force; throws CoreError `conf-change-invalid`. */
export function planMembership(raft: Raft, change: ConfChange): MembershipStep {
  const { membership, progress } = raft.tracker;
  return new Changer({ membership, progress, ...changerLimits(raft) }).change(change);
}

/**
 * Applies a committed change. One that can't be applied (for instance, because it removes every voter) is left out:
 * all members come to the same conclusion, and to stop on it would stop them all, at every start again.
 */
export function applyConfChange(raft: Raft, change: ConfChange): ConfState {
  let step: MembershipStep;
  try {
    step = planMembership(raft, change);
  } catch (error) {
    if (!(error instanceof CoreError)) throw error;
    const conf = raft.tracker.confState();
    raft.trace({ level: 'error', kind: 'conf-change-skipped', id: raft.id, change, conf, reason: error.message });
    return conf;
  }
  return switchMembership(raft, step);
}

/** Takes over the membership of a snapshot or of the stored state. */
export function restoreConfState(raft: Raft, conf: ConfState): ConfState {
  return switchMembership(raft, restoreMembership(conf, changerLimits(raft)));
}

function changerLimits(raft: Raft): { lastIndex: number; inflightMessagesMax: number; inflightBytesMax: number } {
  const { inflightMessagesMax, inflightBytesMax } = raft.config;
  return { lastIndex: raft.log.lastIndex(), inflightMessagesMax, inflightBytesMax };
}

function switchMembership(raft: Raft, step: MembershipStep): ConfState {
  const { tracker } = raft;
  tracker.install(step);
  const conf = tracker.confState();
  raft.trace({ level: 'info', kind: 'conf-switched', id: raft.id, conf });
  if (raft.role !== 'leader') return conf;

  const own = tracker.progress.get(raft.id);
  if (own === undefined || own.learner) {
    // A removed leader that stays would lead on while it can't take a proposal, and might answer reads by itself.
    if (raft.config.stepDownOnRemoval) becomeFollower(raft, raft.term, 0);
    return conf;
  }
  if (conf.voters.length === 0) return conf;
  if (maybeCommit(raft)) {
    // A smaller quorum may have everything already.
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else {
    // Newcomers should not have to wait for the next heartbeat.
    for (const id of tracker.ids) {
      if (id !== raft.id) maybeSendAppend(raft, id, tracker.progress.get(id) as Progress, false);
    }
  }
  if (raft.transferee !== 0 && !tracker.isVoter(raft.transferee)) raft.transferee = 0;
  return conf;
}
