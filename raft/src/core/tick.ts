import { draftMessage } from './message.ts';
import type { Raft } from './raft.ts';
import { step } from './step.ts';

/** One unit of time has passed. */
export function tick(raft: Raft): void {
  if (raft.role === 'leader') tickLeader(raft);
  else tickElection(raft);
}

function tickElection(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.config.electionTicks) raft.promiseForgotten = false;
  if (!raft.promotable() || raft.electionElapsed < raft.randomizedElectionTicks) return;
  raft.electionElapsed = 0;
  const hup = draftMessage('hup', raft.id);
  hup.from = raft.id;
  step(raft, hup);
}

function tickLeader(raft: Raft): void {
  const { electionTicks, heartbeatTicks, checkQuorum } = raft.config;
  raft.lease.tick();
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.electionElapsed >= electionTicks) {
    raft.electionElapsed = 0;
    if (checkQuorum) stepLocal(raft, 'check-quorum');
    // A transfer that did not come off in one election timeout never will; take proposals again.
    if (raft.role === 'leader') raft.transferee = 0;
  }
  // May have stepped down just now.
  if (raft.role !== 'leader') return;
  if (raft.heartbeatElapsed >= heartbeatTicks) {
    raft.heartbeatElapsed = 0;
    stepLocal(raft, 'beat');
  }
}

function stepLocal(raft: Raft, type: 'check-quorum' | 'beat'): void {
  const message = draftMessage(type, raft.id);
  message.from = raft.id;
  step(raft, message);
}
