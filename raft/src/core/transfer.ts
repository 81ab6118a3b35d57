import { draftMessage } from './message.ts';
import type { Progress } from './progress/progress.ts';
import type { Raft } from './raft.ts';
import { sendAppend } from './replication.ts';
import type { NodeId } from './types.ts';

/** Leadership transfer: the dissertation, section 3.10. The message's sender is who shall lead. */
export function receiveTransfer(raft: Raft, to: NodeId, progress: Progress): void {
  const { id, term } = raft;
  if (progress.learner) {
    raft.trace({ level: 'debug', kind: 'transfer-to-learner', id, to });
    return;
  }
  if (raft.transferee !== 0) {
    if (raft.transferee === to) {
      raft.trace({ level: 'info', kind: 'transfer-in-progress', id, term, to });
      return;
    }
    const previous = raft.transferee;
    raft.transferee = 0;
    raft.trace({ level: 'info', kind: 'transfer-aborted', id, term, to: previous });
  }
  if (to === id) {
    raft.trace({ level: 'debug', kind: 'transfer-to-self', id });
    return;
  }
  raft.trace({ level: 'info', kind: 'transfer-started', id, term, to });
  // It has one election timeout; then this leader takes proposals again.
  raft.electionElapsed = 0;
  raft.transferee = to;
  raft.leaseBroken = true;
  if (progress.match === raft.log.lastIndex()) {
    sendTimeoutNow(raft, to);
    raft.trace({ level: 'info', kind: 'transfer-timeout-now', id, to });
  } else {
    sendAppend(raft, to, progress);
  }
}

/** `from` has acknowledged more: if it is the transfer's target and has everything, it may begin. */
export function continueTransfer(raft: Raft, from: NodeId, progress: Progress): void {
  if (from !== raft.transferee || progress.match !== raft.log.lastIndex()) return;
  raft.trace({ level: 'info', kind: 'transfer-timeout-now-after-append', id: raft.id, to: from });
  sendTimeoutNow(raft, from);
}

function sendTimeoutNow(raft: Raft, to: NodeId): void {
  raft.send(draftMessage('timeout-now', to));
}
