import type { MessageDraft } from './message.ts';
import { draftMessage } from './message.ts';
import type { Raft } from './raft.ts';
import type { Entry, HardState, Message, Snapshot } from './types.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from './types.ts';

/**
 * The work of storing, as a message. Its responses go out once the work, and all such work before it, is durable;
 * the word about our own entries comes last, so that a leader counts itself while the terms are still at hand.
 */
export function storageAppend(
  raft: Raft,
  entries: readonly Entry[],
  hardState: HardState | undefined,
  snapshot: Snapshot | undefined,
  promises: Message[],
): Message {
  const message = draftMessage('storage-append', LOCAL_APPEND_THREAD);
  message.from = raft.id;
  message.entries = entries;
  if (hardState !== undefined) {
    message.term = hardState.term;
    message.vote = hardState.vote;
    message.commit = hardState.commit;
  }
  message.snapshot = snapshot;
  const done = storageAppendResponse(raft, snapshot);
  if (done !== undefined) promises.push(done);
  message.responses = promises;
  return message;
}

/**
 * What tells us that our entries are stable; `undefined` if there is nothing to learn.
 *
 * It speaks of the end of the log, even if this piece of work holds no entries, and carries our present term. So an
 * answer that was under way while the term changed, and perhaps the same entries were replaced and came back (A, B,
 * and A again), is dropped for its lower term; the piece of work that the change of term makes then brings another.
 */
export function storageAppendResponse(raft: Raft, snapshot: Snapshot | undefined): Message | undefined {
  const { log } = raft;
  const unstable = log.unstable.entries.length > 0;
  if (!unstable && snapshot === undefined) return undefined;
  const message: MessageDraft = draftMessage('storage-append-response', raft.id);
  message.from = LOCAL_APPEND_THREAD;
  message.term = raft.term;
  if (unstable) {
    message.index = log.lastIndex();
    message.logTerm = log.lastTerm();
  }
  message.snapshot = snapshot;
  return message;
}

/** The work of applying, as a message. It has no term: what is committed holds in any. */
export function storageApply(raft: Raft, entries: readonly Entry[]): Message {
  const message = draftMessage('storage-apply', LOCAL_APPLY_THREAD);
  message.from = raft.id;
  message.entries = entries;
  message.responses = [storageApplyResponse(raft, entries)];
  return message;
}

export function storageApplyResponse(raft: Raft, entries: readonly Entry[]): Message {
  const message = draftMessage('storage-apply-response', raft.id);
  message.from = LOCAL_APPLY_THREAD;
  message.entries = entries;
  return message;
}
