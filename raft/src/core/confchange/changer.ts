import { CoreError } from '../core-error.ts';
import { Inflights } from '../progress/inflights.ts';
import { Progress } from '../progress/progress.ts';
import type { MembershipStep } from '../progress/tracker.ts';
import type { ConfChange, ConfChangeSingle, ConfState, NodeId } from '../types.ts';
import { checkMembership } from './check-membership.ts';

export interface ChangerOptions extends MembershipStep {
  /** The end of the log: where a new member is probed first. */
  readonly lastIndex: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

/**
 * Computes the membership that follows on another one. Nothing is changed in place: a refused change (CoreError
 * `conf-change-invalid`) leaves no trace. Whether a change may be made now is decided from the membership alone, so
 * every member comes to the same answer when it applies the same log.
 *
 * Source: the dissertation, sections 4.2 (one at a time) and 4.3 (joint consensus).
 */
export class Changer {
  private readonly options: ChangerOptions;
  private readonly incoming: Set<NodeId>;
  private readonly outgoing: Set<NodeId>;
  private readonly learners: Set<NodeId>;
  private readonly learnersNext: Set<NodeId>;
  private readonly progress: Map<NodeId, Progress>;
  private autoLeave: boolean;

  constructor(options: ChangerOptions) {
    const { membership } = options;
    this.options = options;
    this.incoming = new Set(membership.voters.incoming);
    this.outgoing = new Set(membership.voters.outgoing);
    this.learners = new Set(membership.learners);
    this.learnersNext = new Set(membership.learnersNext);
    this.progress = new Map(options.progress);
    this.autoLeave = membership.autoLeave;
  }

  /** Takes the way that the change asks for: leave the joint configuration, enter one, or change at once. */
  change(change: ConfChange): MembershipStep {
    if (change.transition === 'auto' && change.changes.length === 0) return this.leaveJoint();
    if (change.transition !== 'auto' || change.changes.length > 1) {
      return this.enterJoint(change.transition !== 'joint-explicit', change.changes);
    }
    return this.simple(change.changes);
  }

  /** Changes at most one voter, without a joint configuration; any majorities before and after then overlap. */
  simple(changes: readonly ConfChangeSingle[]): MembershipStep {
    if (this.outgoing.size > 0) refuse("can't apply simple config change in joint config");
    this.applyAll(changes);
    const before = new Set(this.options.membership.voters.incoming);
    if (before.symmetricDifference(this.incoming).size > 1) {
      refuse('more than one voter changed without entering joint config');
    }
    return this.result();
  }

  /** From now on both the voters of before and those after the change must agree. */
  enterJoint(autoLeave: boolean, changes: readonly ConfChangeSingle[]): MembershipStep {
    if (this.outgoing.size > 0) refuse('config is already joint');
    // A first member may be added to nothing, when a cluster begins; but nothing can't be joint.
    if (this.incoming.size === 0) refuse("can't make a zero-voter config joint");
    for (const id of this.incoming) this.outgoing.add(id);
    this.applyAll(changes);
    this.autoLeave = autoLeave;
    return this.result();
  }

  /** The voters of before have no say any more. */
  leaveJoint(): MembershipStep {
    if (this.outgoing.size === 0) refuse("can't leave a non-joint config");
    for (const id of this.learnersNext) this.setLearner(id);
    this.learnersNext.clear();
    for (const id of this.outgoing) {
      if (!this.incoming.has(id) && !this.learners.has(id)) this.progress.delete(id);
    }
    this.outgoing.clear();
    this.autoLeave = false;
    return this.result();
  }

  private applyAll(changes: readonly ConfChangeSingle[]): void {
    for (const { type, node } of changes) {
      // Node 0 is nobody: an application strikes out a change that way when it decides against it at apply.
      if (node === 0 || type === 'update') continue;
      if (type === 'add-voter') this.makeVoter(node);
      else if (type === 'add-learner') this.makeLearner(node);
      else this.remove(node);
    }
    if (this.incoming.size === 0) refuse('removed all voters');
  }

  private makeVoter(id: NodeId): void {
    const progress = this.progress.get(id);
    if (progress === undefined) this.track(id, false);
    else if (progress.learner) this.replaceProgress(id, progress, false);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    this.incoming.add(id);
  }

  private makeLearner(id: NodeId): void {
    const progress = this.progress.get(id);
    if (progress === undefined) {
      this.track(id, true);
      this.learners.add(id);
      return;
    }
    if (progress.learner) return;
    this.remove(id);
    this.progress.set(id, progress);
    // Who still votes in the outgoing set can't be a learner yet; it becomes one when the joint one is left.
    if (this.outgoing.has(id)) this.learnersNext.add(id);
    else this.setLearner(id);
  }

  private remove(id: NodeId): void {
    if (!this.progress.has(id)) return;
    this.incoming.delete(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    if (!this.outgoing.has(id)) this.progress.delete(id);
  }

  private setLearner(id: NodeId): void {
    this.learners.add(id);
    this.replaceProgress(id, this.progress.get(id) as Progress, true);
  }

  private replaceProgress(id: NodeId, progress: Progress, learner: boolean): void {
    const twin = progress.clone();
    twin.learner = learner;
    this.progress.set(id, twin);
  }

  private track(id: NodeId, learner: boolean): void {
    const { lastIndex, inflightMessagesMax, inflightBytesMax } = this.options;
    // Counts as recently active: else a check of the quorum could fail before the newcomer had a chance to speak.
    const inflights = new Inflights(inflightMessagesMax, inflightBytesMax);
    this.progress.set(id, new Progress(0, Math.max(lastIndex, 1), inflights, learner, true));
  }

  private result(): MembershipStep {
    const step: MembershipStep = {
      membership: {
        voters: { incoming: sorted(this.incoming), outgoing: sorted(this.outgoing) },
        learners: sorted(this.learners),
        learnersNext: sorted(this.learnersNext),
        autoLeave: this.autoLeave,
      },
      progress: this.progress,
    };
    checkMembership(step);
    return step;
  }
}

/** The membership that a stored `conf` stands for, everyone to be probed from `lastIndex`. */
export function restoreMembership(
  conf: ConfState,
  options: Omit<ChangerOptions, keyof MembershipStep>,
): MembershipStep {
  const progress = new Map<NodeId, Progress>();
  const next = Math.max(options.lastIndex, 1);
  for (const id of new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners])) {
    const inflights = new Inflights(options.inflightMessagesMax, options.inflightBytesMax);
    progress.set(id, new Progress(0, next, inflights, conf.learners.includes(id), true));
  }
  const step: MembershipStep = {
    membership: {
      voters: { incoming: sorted(conf.voters), outgoing: sorted(conf.votersOutgoing) },
      learners: sorted(conf.learners),
      learnersNext: sorted(conf.learnersNext),
      autoLeave: conf.autoLeave,
    },
    progress,
  };
  checkMembership(step);
  return step;
}

function sorted(ids: Iterable<NodeId>): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

function refuse(reason: string): never {
  throw new CoreError('conf-change-invalid', reason);
}
