import type { JointVoters } from '../quorum/joint.ts';
import { isVoter, jointCommitted, jointVote } from '../quorum/joint.ts';
import type { AckedIndexes, VoteResult } from '../quorum/majority.ts';
import type { ConfState, NodeId } from '../types.ts';
import type { Progress } from './progress.ts';

/** The membership in force, in the form in which decisions need it. All lists are sorted. */
export interface Membership {
  readonly voters: JointVoters;
  readonly learners: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

/** A membership together with the progress of everyone in it. */
export interface MembershipStep {
  readonly membership: Membership;
  readonly progress: ReadonlyMap<NodeId, Progress>;
}

export const NO_MEMBERSHIP: Membership = {
  voters: { incoming: [], outgoing: [] },
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export function membershipToConfState(membership: Membership): ConfState {
  return {
    voters: membership.voters.incoming,
    learners: membership.learners,
    votersOutgoing: membership.voters.outgoing,
    learnersNext: membership.learnersNext,
    autoLeave: membership.autoLeave,
  };
}

/** Is `id` a member? `learnersNext` are outgoing voters, so they need no look of their own. */
export function includesMember(conf: ConfState, id: NodeId): boolean {
  return conf.voters.includes(id) || conf.learners.includes(id) || conf.votersOutgoing.includes(id);
}

/** The members, how far each has come, and the votes of the current campaign. */
export class Tracker implements AckedIndexes {
  membership: Membership = NO_MEMBERSHIP;
  progress: ReadonlyMap<NodeId, Progress> = new Map();
  /** The keys of `progress` in order, so that messages go out in the same order in every run. */
  ids: readonly NodeId[] = [];
  private readonly votes = new Map<NodeId, boolean>();

  install({ membership, progress }: MembershipStep): void {
    this.membership = membership;
    this.progress = progress;
    this.ids = [...progress.keys()].sort((a, b) => a - b);
  }

  confState(): ConfState {
    return membershipToConfState(this.membership);
  }

  isVoter(id: NodeId): boolean {
    return isVoter(this.membership.voters, id);
  }

  /** Is `id` the only voter there is? */
  isOnlyVoter(id: NodeId): boolean {
    const { incoming, outgoing } = this.membership.voters;
    return outgoing.length === 0 && incoming.length === 1 && incoming[0] === id;
  }

  ackedIndex(id: NodeId): number | undefined {
    return this.progress.get(id)?.match;
  }

  /** The largest index stored on a quorum. */
  committed(): number {
    return jointCommitted(this.membership.voters, this);
  }

  /** Was a quorum heard of since the last check? */
  quorumActive(): boolean {
    const active = new Map<NodeId, boolean>();
    for (const [id, progress] of this.progress) {
      if (!progress.learner) active.set(id, progress.recentlyActive);
    }
    return jointVote(this.membership.voters, active) === 'won';
  }

  resetVotes(): void {
    this.votes.clear();
  }

  /** The first vote of a node counts; a repeated message changes nothing. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  tallyVotes(): { granted: number; rejected: number; result: VoteResult } {
    let granted = 0;
    let rejected = 0;
    for (const [id, progress] of this.progress) {
      // A learner that answers has only not yet heard that it is one.
      if (progress.learner) continue;
      const vote = this.votes.get(id);
      if (vote === true) granted++;
      else if (vote === false) rejected++;
    }
    return { granted, rejected, result: jointVote(this.membership.voters, this.votes) };
  }
}
