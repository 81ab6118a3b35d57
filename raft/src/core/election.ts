import { commitByVote, stampCommit } from './commit-by-vote.ts';
import { CAMPAIGN_TRANSFER, draftMessage, NO_BYTES } from './message.ts';
import { voterIds } from './quorum/joint.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend } from './replication.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';
import type { Message } from './types.ts';
import { hasUnappliedConfChange } from './unapplied-conf-change.ts';

/** Elections: the paper, section 5.2 and 5.4.1; the dissertation, section 9.6 for pre-vote and 3.10 for transfer. */

export type CampaignKind = 'pre-vote' | 'vote' | 'transfer';

/** Begins a campaign, if this member may become leader at all. */
export function startCampaign(raft: Raft, kind: CampaignKind): void {
  if (raft.role === 'leader') {
    raft.trace({ level: 'debug', kind: 'campaign-already-leader', id: raft.id });
    return;
  }
  if (!raft.promotable()) {
    raft.trace({ level: 'warning', kind: 'campaign-unpromotable', id: raft.id });
    return;
  }
  // With a change that is committed but not applied here we would ask the wrong voters, and two leaders could come
  // out of it (etcd issue 12133): true of transfers as well.
  if (hasUnappliedConfChange(raft)) {
    raft.trace({ level: 'warning', kind: 'campaign-unapplied-conf-change', id: raft.id, term: raft.term });
    return;
  }
  raft.trace({ level: 'info', kind: 'campaign-started', id: raft.id, term: raft.term });
  campaign(raft, kind);
}

function campaign(raft: Raft, kind: CampaignKind): void {
  const preVote = kind === 'pre-vote';
  const { log, tracker } = raft;
  if (preVote) becomePreCandidate(raft);
  else becomeCandidate(raft);
  const type = preVote ? 'pre-vote' : 'vote';
  // A pre-vote asks for the term that would follow; our own stays as it is.
  const term = preVote ? raft.term + 1 : raft.term;
  const index = log.lastIndex();
  const logTerm = log.lastTerm();
  for (const id of voterIds(tracker.membership.voters)) {
    if (id === raft.id) {
      // Our own vote counts when it is on disk, like everyone's: by a message to ourselves that waits for that.
      const own = draftMessage(preVote ? 'pre-vote-response' : 'vote-response', id);
      own.term = term;
      raft.send(own);
      continue;
    }
    raft.trace({ level: 'info', kind: 'vote-requested', id: raft.id, to: id, type, logTerm, index, term: raft.term });
    const request = draftMessage(type, id);
    request.term = term;
    request.index = index;
    request.logTerm = logTerm;
    request.context = kind === 'transfer' ? CAMPAIGN_TRANSFER : NO_BYTES;
    stampCommit(raft, request);
    raft.send(request);
  }
}

/** A vote of another member, or our own once it is stored. */
export function receiveVote(raft: Raft, message: Message): void {
  const { type, from } = message;
  raft.trace({
    level: 'info',
    kind: 'vote-received',
    id: raft.id,
    from,
    type,
    granted: !message.reject,
    term: raft.term,
  });
  raft.tracker.recordVote(from, !message.reject);
  const { granted, rejected, result } = raft.tracker.tallyVotes();
  raft.trace({ level: 'info', kind: 'vote-tally', id: raft.id, type, granted, rejected });
  if (result === 'won') {
    if (raft.role === 'pre-candidate') {
      campaign(raft, 'vote');
    } else {
      becomeLeader(raft);
      broadcastAppend(raft);
    }
    return;
  }
  // A refused pre-vote carries the refuser's term, a granted one a term that nobody is in yet: keep ours.
  if (result === 'lost') becomeFollower(raft, raft.term, 0);
  commitByVote(raft, message);
}

/** Answers a vote or pre-vote request. The request's term is at least ours here. */
export function answerVoteRequest(raft: Raft, message: Message): void {
  const { log } = raft;
  const { type, from } = message;
  const responseType = type === 'vote' ? 'vote-response' : 'pre-vote-response';
  const free =
    // A vote that we gave already may be given again: the answer may have been lost.
    raft.vote === from ||
    // None was given, and we know of no leader in this term.
    (raft.vote === 0 && raft.leader === 0) ||
    // A pre-vote for a later term binds nobody.
    (type === 'pre-vote' && message.term > raft.term);
  // Even a learner votes: it may be a voter without knowing it yet, and then its vote may be the one that is needed
  // (etcd-io/etcd 10998).
  const granted = free && log.isUpToDate(message.index, message.logTerm);
  traceVote(raft, message, granted ? 'vote-cast' : 'vote-rejected');
  const response = draftMessage(responseType, from);
  response.reject = !granted;
  if (granted) {
    // With the request's term: an answer to a pre-vote would else look as if it came from the past.
    response.term = message.term;
    raft.send(response);
    if (type === 'vote') {
      raft.electionElapsed = 0;
      raft.vote = from;
    }
  } else {
    response.term = raft.term;
    stampCommit(raft, response);
    raft.send(response);
    commitByVote(raft, message);
  }
}

/** The trace event of what was decided about a vote request. */
export function traceVote(raft: Raft, message: Message, kind: string): void {
  if (raft.config.trace === undefined) return;
  raft.trace({
    level: 'info',
    kind,
    id: raft.id,
    logTerm: raft.log.lastTerm(),
    index: raft.log.lastIndex(),
    vote: raft.vote,
    type: message.type,
    from: message.from,
    theirLogTerm: message.logTerm,
    theirIndex: message.index,
    term: raft.term,
    leaseTicks: raft.config.electionTicks - raft.electionElapsed,
  });
}
