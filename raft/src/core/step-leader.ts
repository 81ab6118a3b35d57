import type { Progress } from './progress/progress.ts';
import { proposeAsLeader } from './propose.ts';
import type { Raft } from './raft.ts';
import { confirmReads, receiveReadIndex, releasePendingReads } from './reads.ts';
import { broadcastAppend, broadcastHeartbeat, maybeCommit, maybeSendAppend, sendAppend } from './replication.ts';
import { becomeFollower } from './roles.ts';
import { continueTransfer, receiveTransfer } from './transfer.ts';
import type { Message } from './types.ts';

/** Messages to a leader, of its own term or local. */
export function stepLeader(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'append-response':
    case 'append-received':
    case 'heartbeat-response':
    case 'snapshot-status':
    case 'unreachable':
    case 'transfer-leader':
      stepPeer(raft, message);
      return;
    case 'propose':
      proposeAsLeader(raft, message.entries);
      return;
    case 'beat':
      broadcastHeartbeat(raft);
      return;
    case 'check-quorum':
      checkQuorum(raft);
      return;
    case 'read-index':
      receiveReadIndex(raft, message);
      return;
    default:
  }
}

/** Messages that speak of one member's progress. */
function stepPeer(raft: Raft, message: Message): void {
  const progress = raft.tracker.progress.get(message.from);
  if (progress === undefined) {
    raft.trace({ level: 'debug', kind: 'no-progress', id: raft.id, from: message.from });
    return;
  }
  switch (message.type) {
    case 'append-response':
      if (message.reject) appendRejected(raft, message, progress);
      else appendAccepted(raft, message, progress);
      return;
    case 'append-received':
      appendReceived(raft, message, progress);
      return;
    case 'heartbeat-response':
      heartbeatAnswered(raft, message, progress);
      return;
    case 'snapshot-status':
      snapshotReported(raft, message, progress);
      return;
    case 'unreachable':
      // Of what was sent optimistically some is likely lost: find out where the follower is.
      if (progress.state === 'replicate') progress.becomeProbe();
      raft.trace({
        level: 'debug',
        kind: 'peer-unreachable',
        id: raft.id,
        from: message.from,
        progress: progress.view(),
      });
      return;
    default:
      receiveTransfer(raft, message.from, progress);
  }
}

/** A leader that can't reach a quorum stops leading: others may have another leader already, and clients wait here. */
function checkQuorum(raft: Raft): void {
  if (!raft.tracker.quorumActive()) {
    raft.trace({ level: 'warning', kind: 'quorum-inactive', id: raft.id });
    becomeFollower(raft, raft.term, 0);
  }
  for (const [id, progress] of raft.tracker.progress) if (id !== raft.id) progress.recentlyActive = false;
}

function appendRejected(raft: Raft, message: Message, progress: Progress): void {
  progress.recentlyActive = true;
  const { from, index, rejectHint, logTerm } = message;
  raft.trace({ level: 'debug', kind: 'append-response-rejected', id: raft.id, from, index, rejectHint, logTerm });
  // The follower told its last index that may match, with its term. Our own log can rule out more: at no index above
  // the last of ours with a term as low can the logs be equal.
  const hint = logTerm > 0 ? raft.log.findConflictByTerm(rejectHint, logTerm).index : rejectHint;
  if (!progress.maybeDecrease(index, hint)) return;
  raft.trace({ level: 'debug', kind: 'progress-decreased', id: raft.id, from, progress: progress.view() });
  if (progress.state === 'replicate') progress.becomeProbe();
  sendAppend(raft, from, progress);
}

function appendAccepted(raft: Raft, message: Message, progress: Progress): void {
  progress.recentlyActive = true;
  const { from, index } = message;
  // An answer that tells nothing new can still end probing, when a follower had everything already.
  if (!progress.maybeUpdate(index) && !(progress.match === index && progress.state === 'probe')) return;
  if (progress.state === 'probe') {
    progress.becomeReplicate();
  } else if (progress.state === 'snapshot') {
    // Wherever the snapshot came from and whichever it was: what counts is that the log reaches on from there.
    if (progress.match + 1 >= raft.log.firstIndex()) {
      raft.trace({ level: 'debug', kind: 'snapshot-recovered', id: raft.id, from, progress: progress.view() });
      progress.becomeProbe();
      progress.becomeReplicate();
    }
  } else {
    progress.inflights.freeUpTo(index);
  }
  const self = from === raft.id;
  if (maybeCommit(raft)) {
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else if (!self && progress.canBumpCommit(raft.log.committed)) {
    // Tell it of the commit now; the next heartbeat would, but later.
    sendAppend(raft, from, progress);
  }
  if (self) return;
  // The window has room again, maybe for more than one message.
  while (maybeSendAppend(raft, from, progress, false));
  continueTransfer(raft, from, progress);
}

/**
 * A follower has entries in its memory that its disk has no room for: it wants to see what follows, so as to serve
 * reads, and makes no promise. Hence `match` stays as it is.
 */
function appendReceived(raft: Raft, message: Message, progress: Progress): void {
  progress.recentlyActive = true;
  if (!progress.noteReceived(message.index)) return;
  while (maybeSendAppend(raft, message.from, progress, false));
}

function heartbeatAnswered(raft: Raft, message: Message, progress: Progress): void {
  progress.recentlyActive = true;
  progress.appendPaused = false;
  // Behind, or perhaps behind: the message, empty if the window is full, brings an answer that tells.
  if (progress.match < raft.log.lastIndex() || progress.state === 'probe') sendAppend(raft, message.from, progress);
  confirmReads(raft, message);
}

function snapshotReported(raft: Raft, message: Message, progress: Progress): void {
  if (progress.state !== 'snapshot') return;
  // A failed one must be forgotten first, or we would probe as if it had been taken over.
  if (message.reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  const kind = message.reject ? 'snapshot-failed' : 'snapshot-succeeded';
  raft.trace({ level: 'debug', kind, id: raft.id, from: message.from, progress: progress.view() });
  // Wait for the follower's answer, or for a heartbeat's, before the next try.
  progress.appendPaused = true;
}
