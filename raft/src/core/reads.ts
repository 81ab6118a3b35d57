import { draftMessage, NO_BYTES } from './message.ts';
import type { Raft } from './raft.ts';
import { PENDING_READS_MAX } from './raft.ts';
import type { PendingRead } from './read-only.ts';
import { broadcastHeartbeat } from './replication.ts';
import type { Message } from './types.ts';

/** Linearizable reads on the leader: the dissertation, section 6.4. */

/** A read request, of our own or from a follower. */
export function receiveReadIndex(raft: Raft, message: Message): void {
  // A leader that has committed nothing in its term doesn't know yet what its predecessors committed: what it would
  // answer might be old (etcd-io/etcd 7331). That holds for a lone voter too, whose stored commit index may lag.
  if (!raft.committedInOwnTerm()) {
    // Beyond the limit the request is dropped, as the network may drop one: the asker tries again.
    if (raft.pendingReads.length < PENDING_READS_MAX) raft.pendingReads.push(message);
    return;
  }
  // And so here: where no quorum answers, members ask again and again.
  if (raft.readOnly.pending >= PENDING_READS_MAX) return;
  if (serve(raft, message)) broadcastHeartbeat(raft);
}

/** The leader's first own commit: the reads that waited for it may go on. */
export function releasePendingReads(raft: Raft): void {
  if (raft.pendingReads.length === 0 || !raft.committedInOwnTerm()) return;
  const waiting = raft.pendingReads;
  raft.pendingReads = [];
  let asked = false;
  for (const message of waiting) asked = serve(raft, message) || asked;
  // One round of heartbeats confirms them all.
  if (asked) broadcastHeartbeat(raft);
}

/** Answers at once where that is safe; otherwise queues the read and returns true: the others have to be asked. */
function serve(raft: Raft, message: Message): boolean {
  const index = raft.log.committed;
  // We alone decide, but only if we are that one voter: a removed leader is not (it would serve stale reads).
  const alone = raft.tracker.isOnlyVoter(raft.id);
  if (alone || leaseHolds(raft)) {
    answer(raft, message, index);
    return false;
  }
  raft.readOnly.add(message, index);
  raft.readOnly.acknowledgeSelf(raft.id);
  return true;
}

/** May this leader answer by itself, since nobody else can have been elected? A transfer lets its target campaign. */
function leaseHolds(raft: Raft): boolean {
  const { readOnlyOption, electionTicks } = raft.config;
  return readOnlyOption === 'lease-based' && !raft.leaseBroken && raft.lease.holds(electionTicks);
}

/** A follower heard our heartbeat: reads that a quorum has confirmed are answered. */
export function confirmReads(raft: Raft, message: Message): void {
  const leased = raft.config.readOnlyOption === 'lease-based';
  if (message.context.length === 0 || !(leased || raft.readOnly.hasPending())) return;
  raft.readOnly.acknowledge(message.from, message.context);
  if (leased) raft.lease.confirmed(raft.readOnly.confirmed(raft.tracker.membership.voters));
  const confirmed: readonly PendingRead[] = raft.readOnly.takeConfirmed(raft.tracker.membership.voters);
  for (const { request, index } of confirmed) answer(raft, request, index);
}

function answer(raft: Raft, request: Message, index: number): void {
  if (request.from === 0 || request.from === raft.id) {
    raft.readStates.push({ index, context: request.context });
    return;
  }
  const response = draftMessage('read-index-response', request.from);
  response.index = index;
  response.context = request.context.length === 0 ? NO_BYTES : request.context;
  raft.send(response);
}
