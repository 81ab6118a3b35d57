import { entriesApplied, snapshotApplied } from './applied.ts';
import { answerVoteRequest, startCampaign, traceVote } from './election.ts';
import { draftMessage, isResponseType, isTransferMark } from './message.ts';
import type { Raft } from './raft.ts';
import { becomeFollower } from './roles.ts';
import { stepCandidate } from './step-candidate.ts';
import { stepFollower } from './step-follower.ts';
import { stepLeader } from './step-leader.ts';
import type { Message } from './types.ts';

/** Every message comes in here: first what its term says, then what it says itself. */
export function step(raft: Raft, message: Message): void {
  if (message.term > raft.term) {
    if (!acceptHigherTerm(raft, message)) return;
  } else if (message.term !== 0 && message.term < raft.term) {
    answerLowerTerm(raft, message);
    return;
  }
  switch (message.type) {
    case 'hup':
      startCampaign(raft, raft.config.preVote ? 'pre-vote' : 'vote');
      return;
    case 'storage-append-response':
      if (message.index !== 0) raft.log.unstable.stableTo(message.index, message.logTerm);
      if (message.snapshot !== undefined) snapshotApplied(raft, message.snapshot);
      return;
    case 'storage-apply-response':
      entriesApplied(raft, message.entries);
      return;
    case 'vote':
    case 'pre-vote':
      answerVoteRequest(raft, message);
      return;
    default:
      stepRole(raft, message);
  }
}

function stepRole(raft: Raft, message: Message): void {
  switch (raft.role) {
    case 'leader':
      stepLeader(raft, message);
      return;
    case 'follower':
      stepFollower(raft, message);
      return;
    default:
      stepCandidate(raft, message);
  }
}

/** A later term is taken over at once (the paper, section 5.1), with three exceptions. False: take no notice. */
function acceptHigherTerm(raft: Raft, message: Message): boolean {
  const { type } = message;
  if ((type === 'vote' || type === 'pre-vote') && isBound(raft) && !isTransferMark(message.context)) {
    traceVote(raft, message, 'vote-ignored-lease');
    return false;
  }
  // A late answer to a campaign of ours. With its term we would be free to vote for another leader at once.
  if (raft.role === 'follower' && isResponseType(type) && keepsPromise(raft) && isBound(raft)) return false;
  // A pre-vote's term is one that nobody is in yet. If it is granted, the answer carries it too.
  if (type === 'pre-vote' || (type === 'pre-vote-response' && !message.reject)) return true;
  const { id, term } = raft;
  raft.trace({ level: 'info', kind: 'higher-term', id, term, type, from: message.from, theirTerm: message.term });
  const fromLeader = type === 'append' || type === 'heartbeat' || type === 'snapshot';
  becomeFollower(raft, message.term, fromLeader ? message.from : 0);
  return true;
}

/**
 * Must this member leave requests for its vote alone? It has heard from a leader within the shortest election timeout:
 * so there is one, and whoever wants to replace it can't hear it or was removed (the dissertation, section 4.2.3).
 */
function isBound(raft: Raft): boolean {
  const { checkQuorum, electionTicks } = raft.config;
  const inLease = checkQuorum && raft.leader !== 0 && raft.electionElapsed < electionTicks;
  return inLease || raft.promiseForgotten;
}

/** May a leader answer reads on the strength of our not voting? Then we must not come to be free of that early. */
function keepsPromise(raft: Raft): boolean {
  return raft.config.keepPromise || raft.config.readOnlyOption === 'lease-based';
}

function answerLowerTerm(raft: Raft, message: Message): void {
  const { type, from } = message;
  const { checkQuorum, preVote } = raft.config;
  if ((checkQuorum || preVote) && (type === 'heartbeat' || type === 'append')) {
    // A leader of an earlier term that still reaches us, while our requests with the later term may be ignored by
    // all who hear it. This answer makes it step down; otherwise we might never get back in.
    raft.send(draftMessage('append-response', from));
    return;
  }
  if (type === 'pre-vote') {
    // Its sender's log may be short and its term low: without an answer two such could block one another.
    traceVote(raft, message, 'vote-rejected');
    const response = draftMessage('pre-vote-response', from);
    response.term = raft.term;
    response.reject = true;
    raft.send(response);
    return;
  }
  const { id, term } = raft;
  if (type === 'storage-append-response') {
    // Entries written in an earlier term may have been replaced since by others at the same indexes, so this must
    // not make them stable. A snapshot only holds what is committed, and is good in any term.
    if (message.index !== 0) {
      raft.trace({ level: 'info', kind: 'stale-storage-append', id, term, type, theirTerm: message.term });
    }
    if (message.snapshot !== undefined) snapshotApplied(raft, message.snapshot);
    return;
  }
  raft.trace({ level: 'info', kind: 'lower-term-ignored', id, term, type, from, theirTerm: message.term });
}
