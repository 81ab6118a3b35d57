import { startCampaign } from './election.ts';
import { receiveAppend, receiveHeartbeat, receiveSnapshot } from './follow.ts';
import { dropped } from './propose.ts';
import type { Raft } from './raft.ts';
import type { Message } from './types.ts';

/** Messages to a follower, of its own term or local. */
export function stepFollower(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'append':
      heardFrom(raft, message);
      receiveAppend(raft, message);
      return;
    case 'heartbeat':
      heardFrom(raft, message);
      receiveHeartbeat(raft, message);
      return;
    case 'snapshot':
      heardFrom(raft, message);
      receiveSnapshot(raft, message);
      return;
    case 'propose':
      forwardProposal(raft, message);
      return;
    case 'transfer-leader':
      forward(raft, message, 'transfer-dropped-no-leader');
      return;
    case 'read-index':
      forward(raft, message, 'read-dropped-no-leader');
      return;
    case 'read-index-response':
      raft.readStates.push({ index: message.index, context: message.context });
      return;
    case 'forget-leader':
      forgetLeader(raft);
      return;
    case 'timeout-now':
      raft.trace({ level: 'info', kind: 'timeout-now-received', id: raft.id, term: raft.term, from: message.from });
      // No pre-vote, even if it is on: the leader itself asks for the election, so nobody is disturbed.
      startCampaign(raft, 'transfer');
      return;
    default:
  }
}

function heardFrom(raft: Raft, message: Message): void {
  raft.electionElapsed = 0;
  raft.leader = message.from;
}

function forwardProposal(raft: Raft, message: Message): void {
  const { id, term, leader } = raft;
  if (leader === 0) {
    raft.trace({ level: 'info', kind: 'proposal-dropped-no-leader', id, term });
    throw dropped(`member '${id}' knows of no leader`);
  }
  if (raft.config.disableProposalForwarding) {
    raft.trace({ level: 'info', kind: 'proposal-not-forwarded', id, term, leader });
    throw dropped(`member '${id}' does not forward to leader '${leader}'`);
  }
  // The sender stays the one who asked first, whoever that was.
  raft.send({ ...message, to: leader });
}

function forward(raft: Raft, message: Message, kindIfNone: string): void {
  if (raft.leader === 0) {
    raft.trace({ level: 'info', kind: kindIfNone, id: raft.id, term: raft.term });
    return;
  }
  raft.send({ ...message, to: raft.leader });
}

/** Lets this follower vote although its leader was heard of lately, when one knows better that the leader is gone. */
function forgetLeader(raft: Raft): void {
  if (raft.config.readOnlyOption === 'lease-based' || raft.config.keepPromise) {
    // The leader serves reads on the strength of our promise not to vote.
    raft.trace({ level: 'error', kind: 'forget-leader-refused', id: raft.id });
    return;
  }
  if (raft.leader === 0) return;
  raft.trace({ level: 'info', kind: 'forgetting-leader', id: raft.id, leader: raft.leader, term: raft.term });
  raft.leader = 0;
}
