import { restoreConfState } from './membership.ts';
import { draftMessage } from './message.ts';
import { includesMember } from './progress/tracker.ts';
import type { Raft } from './raft.ts';
import { becomeFollower } from './roles.ts';
import type { Message, Snapshot } from './types.ts';

/** What a follower does with its leader's messages: the paper, section 5.3, and section 7 for snapshots. */

export function receiveAppend(raft: Raft, message: Message): void {
  const { log } = raft;
  const response = draftMessage('append-response', message.from);
  if (message.index < log.committed) {
    // An old message. What is committed matches the leader's log in any case.
    response.index = log.committed;
    raft.send(response);
    return;
  }
  const last = log.maybeAppend(message.index, message.logTerm, message.entries, message.commit);
  if (last !== undefined) {
    response.index = last;
    raft.send(response);
    return;
  }
  raft.trace({
    level: 'debug',
    kind: 'append-rejected',
    id: raft.id,
    from: message.from,
    ourTerm: log.term(message.index) ?? 0,
    index: message.index,
    logTerm: message.logTerm,
  });
  // Not only "no", but where our logs can match at most: else the leader would try one index after the other.
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex()), message.logTerm);
  response.index = message.index;
  response.reject = true;
  response.rejectHint = hint.index;
  response.logTerm = hint.term;
  raft.send(response);
}

export function receiveHeartbeat(raft: Raft, message: Message): void {
  raft.log.commitTo(message.commit);
  const response = draftMessage('heartbeat-response', message.from);
  response.context = message.context;
  raft.send(response);
}

export function receiveSnapshot(raft: Raft, message: Message): void {
  const { snapshot } = message;
  if (snapshot === undefined) return;
  const restored = restore(raft, snapshot);
  raft.trace({
    level: 'info',
    kind: restored ? 'snapshot-accepted' : 'snapshot-ignored',
    id: raft.id,
    committed: raft.log.committed,
    index: snapshot.meta.index,
    term: snapshot.meta.term,
  });
  const response = draftMessage('append-response', message.from);
  response.index = restored ? raft.log.lastIndex() : raft.log.committed;
  raft.send(response);
}

/** Puts the snapshot in the place of log and membership, unless the log has all that it stands for. */
function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { log } = raft;
  const { index, term, conf } = snapshot.meta;
  if (index <= log.committed) return false;
  if (raft.role !== 'follower') {
    // Can't happen; if it did, a leader must not go on with another log than the one that it led with.
    raft.trace({ level: 'warning', kind: 'snapshot-restore-as-leader', id: raft.id });
    becomeFollower(raft, raft.term + 1, 0);
    return false;
  }
  if (!includesMember(conf, raft.id)) {
    raft.trace({ level: 'warning', kind: 'snapshot-restore-not-member', id: raft.id, conf });
    return false;
  }
  const fields = { level: 'info', id: raft.id, index, term } as const;
  if (log.matches(index, term)) {
    const { committed } = log;
    raft.trace({
      ...fields,
      kind: 'snapshot-fast-forward',
      committed,
      lastIndex: log.lastIndex(),
      lastTerm: log.lastTerm(),
    });
    log.commitTo(index);
    return false;
  }
  log.restore(snapshot);
  raft.membershipFloor = index;
  restoreConfState(raft, conf);
  const { committed } = log;
  raft.trace({ ...fields, kind: 'snapshot-restored', committed, lastIndex: log.lastIndex(), lastTerm: log.lastTerm() });
  return true;
}
