import { payloadSize } from './entry-size.ts';
import { draftMessage, NO_BYTES, NO_ENTRIES } from './message.ts';
import type { Progress } from './progress/progress.ts';
import { includesMember } from './progress/tracker.ts';
import type { Raft } from './raft.ts';
import type { Entry, NodeId, Snapshot } from './types.ts';
import { LogError } from './types.ts';

/** The leader's half of log replication: the paper, section 5.3; the dissertation, section 10.2 for the pipeline. */

/** Sends entries, or an empty message if there are none, unless the follower is paused. */
export function sendAppend(raft: Raft, to: NodeId, progress: Progress): void {
  maybeSendAppend(raft, to, progress, true);
}

/** Returns whether a message went out. Without `sendIfEmpty` one goes out only if it carries entries. */
export function maybeSendAppend(raft: Raft, to: NodeId, progress: Progress, sendIfEmpty: boolean): boolean {
  if (progress.paused()) return false;
  const { log } = raft;
  const previous = progress.next - 1;
  const previousTerm = log.term(previous);
  if (previousTerm === undefined) return maybeSendSnapshot(raft, to, progress);

  let entries: readonly Entry[] = NO_ENTRIES;
  // With a full window only empty messages go out. If all that filled it was lost, one of these gets through some
  // time, is answered, and so frees the window (etcd-io/etcd 14633).
  if (progress.state !== 'replicate' || !progress.inflights.full()) {
    const found = log.entriesFrom(progress.next, raft.config.messageSizeMax);
    if (found === undefined) return maybeSendSnapshot(raft, to, progress);
    entries = found;
  }
  if (entries.length === 0 && !sendIfEmpty) return false;

  const message = draftMessage('append', to);
  message.index = previous;
  message.logTerm = previousTerm;
  message.entries = entries;
  message.commit = log.committed;
  raft.send(message);
  progress.noteSent(entries.length, payloadSize(entries), log.committed);
  return true;
}

function maybeSendSnapshot(raft: Raft, to: NodeId, progress: Progress): boolean {
  if (!progress.recentlyActive) {
    raft.trace({ level: 'debug', kind: 'snapshot-not-sent-inactive', id: raft.id, to });
    return false;
  }
  const snapshot = currentSnapshot(raft, to);
  if (snapshot === undefined) return false;
  const { index, term, conf } = snapshot.meta;
  if (!includesMember(conf, to)) {
    // Made before `to` was added: it would refuse it, and we would wait for ever. The next snapshot will do; try
    // again after a heartbeat.
    progress.appendPaused = true;
    raft.trace({ level: 'warning', kind: 'snapshot-lacks-member', id: raft.id, to, index });
    return false;
  }
  raft.trace({
    level: 'debug',
    kind: 'snapshot-sent',
    id: raft.id,
    to,
    firstIndex: raft.log.firstIndex(),
    committed: raft.log.committed,
    index,
    term,
    progress: progress.view(),
  });
  progress.becomeSnapshot(index);
  raft.trace({ level: 'debug', kind: 'replication-paused', id: raft.id, to, progress: progress.view() });
  const message = draftMessage('snapshot', to);
  message.snapshot = snapshot;
  raft.send(message);
  return true;
}

function currentSnapshot(raft: Raft, to: NodeId): Snapshot | undefined {
  try {
    return raft.log.snapshot();
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'snapshot-temporarily-unavailable') throw error;
    raft.trace({ level: 'debug', kind: 'snapshot-unavailable', id: raft.id, to });
    return undefined;
  }
}

export function broadcastAppend(raft: Raft): void {
  for (const id of raft.tracker.ids) {
    if (id !== raft.id) sendAppend(raft, id, raft.tracker.progress.get(id) as Progress);
  }
}

/** A heartbeat never commits more than the follower is known to have: its log may still differ above that. */
export function broadcastHeartbeat(raft: Raft): void {
  const leased = raft.config.readOnlyOption === 'lease-based';
  if (leased) raft.lease.sent(raft.readOnly.beginRound(raft.id));
  const context = leased || raft.readOnly.hasPending() ? raft.readOnly.context() : NO_BYTES;
  for (const id of raft.tracker.ids) {
    if (id === raft.id) continue;
    const progress = raft.tracker.progress.get(id) as Progress;
    const message = draftMessage('heartbeat', id);
    message.commit = Math.min(progress.match, raft.log.committed);
    message.context = context;
    raft.send(message);
    progress.noteSentCommit(message.commit);
  }
}

/**
 * Commits what a quorum has stored, but by counting only entries of the leader's own term; older ones are committed
 * along with them (the paper, section 5.4.2 and figure 8).
 */
export function maybeCommit(raft: Raft): boolean {
  return raft.log.maybeCommit(raft.tracker.committed(), raft.term);
}

/**
 * Appends to the leader's own log. The leader acknowledges to itself once the entries are on its disk, by a message
 * that waits for that. False if the uncommitted tail would grow too large.
 */
export function appendOwn(raft: Raft, proposed: readonly Entry[]): boolean {
  const bytes = payloadSize(proposed);
  // A first large proposal is let in, and an empty one always: else some could never get through.
  if (raft.uncommittedSize > 0 && bytes > 0 && raft.uncommittedSize + bytes > raft.config.uncommittedSizeMax) {
    raft.trace({ level: 'warning', kind: 'uncommitted-size-exceeded', id: raft.id });
    return false;
  }
  raft.uncommittedSize += bytes;
  const { log, term } = raft;
  let index = log.lastIndex();
  const entries: Entry[] = [];
  for (const { type, data } of proposed) entries.push({ term, index: ++index, type, data });
  log.append(entries);
  const message = draftMessage('append-response', raft.id);
  message.index = index;
  raft.send(message);
  return true;
}

/** Entries were applied: they don't count as uncommitted any more. */
export function releaseUncommitted(raft: Raft, entries: readonly Entry[]): void {
  // Entries of earlier leaders were never counted here, hence the floor.
  raft.uncommittedSize = Math.max(0, raft.uncommittedSize - payloadSize(entries));
}
