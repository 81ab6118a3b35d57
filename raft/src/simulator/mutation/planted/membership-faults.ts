import type { CoreFault } from '../planted-fault.ts';

/** Faults in changes of membership: the paper, 6; the dissertation, 4. */
export const MEMBERSHIP_FAULTS: readonly CoreFault[] = [
  {
    name: 'joint-commit-by-new-voters-alone',
    breaks: 'In a joint configuration the voters of before are not asked when committing (4.3)',
    edits: [
      {
        file: 'core/quorum/joint.ts',
        from: 'return Math.min(incoming, majorityCommitted(voters.outgoing, acked));',
        to: 'return incoming;',
      },
    ],
  },
  {
    name: 'joint-commit-by-old-voters-alone',
    breaks: 'In a joint configuration the new voters are not asked when committing (4.3)',
    edits: [
      {
        file: 'core/quorum/joint.ts',
        from: 'return Math.min(incoming, majorityCommitted(voters.outgoing, acked));',
        to: 'return majorityCommitted(voters.outgoing, acked);',
      },
    ],
  },
  {
    name: 'joint-vote-by-new-voters-alone',
    breaks: 'In a joint configuration a leader is elected without the voters of before (4.3)',
    edits: [
      { file: 'core/quorum/joint.ts', from: '  if (incoming === outgoing) return incoming;', to: '  return incoming;' },
    ],
  },
  {
    name: 'joint-vote-by-old-voters-alone',
    breaks: 'In a joint configuration a leader is elected without the new voters (4.3)',
    edits: [
      {
        file: 'core/quorum/joint.ts',
        from: '  if (incoming === outgoing) return incoming;',
        to: '  if (voters.outgoing.length > 0) return outgoing;\n  return incoming;',
      },
    ],
  },
  {
    name: 'joint-vote-by-either',
    breaks: 'In a joint configuration one of the two majorities is enough to be elected (4.3)',
    edits: [
      {
        file: 'core/quorum/joint.ts',
        from: "if (incoming === 'lost' || outgoing === 'lost') return 'lost';",
        to: "if (voters.outgoing.length > 0 && (incoming === 'won' || outgoing === 'won')) return 'won';",
      },
    ],
  },
  {
    name: 'joint-asks-new-voters-only',
    breaks: 'In a joint configuration only the new voters are asked for votes: nobody is elected (4.3)',
    edits: [
      {
        file: 'core/quorum/joint.ts',
        from: 'voters.incoming.concat(voters.outgoing.filter((id) => !voters.incoming.includes(id)))',
        to: 'voters.incoming.slice()',
      },
    ],
  },
  {
    name: 'several-voters-changed-at-once',
    breaks: 'Several voters change in one step without a joint configuration: majorities need not overlap (4.1)',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: "if (change.transition !== 'auto' || change.changes.length > 1) {",
        to: "if (change.transition !== 'auto') {",
      },
      {
        file: 'core/confchange/changer.ts',
        from: 'if (before.symmetricDifference(this.incoming).size > 1) {',
        to: 'if (before.size < 0) {',
      },
    ],
  },
  {
    name: 'two-pending-changes',
    breaks: 'A change is appended while another one is not applied yet (4.1)',
    edits: [
      {
        file: 'core/propose.ts',
        from: 'if (raft.pendingConfIndex > raft.log.applied) {\n    return',
        to: 'if (raft.pendingConfIndex < 0) {\n    return',
      },
    ],
  },
  {
    name: 'change-without-own-commit',
    breaks: "A new leader changes the membership before it has committed in its own term (Ongaro's bug of 2015)",
    edits: [{ file: 'core/roles.ts', from: 'raft.pendingConfIndex = raft.log.lastIndex();', to: '' }],
  },
  {
    name: 'change-pending-for-ever',
    breaks: 'After one change of membership no other is ever let in',
    edits: [
      {
        file: 'core/propose.ts',
        from: 'raft.pendingConfIndex = raft.log.lastIndex() + i + 1;',
        to: 'raft.pendingConfIndex = Number.MAX_SAFE_INTEGER;',
      },
    ],
  },
  {
    name: 'change-in-joint-configuration',
    breaks: 'Another change than the end of it is let into a joint configuration (4.3)',
    edits: [
      {
        file: 'core/propose.ts',
        from: "if (joint && !leaves) return 'must transition out of joint config first';",
        to: '',
      },
      {
        file: 'core/propose.ts',
        from: '  return whyImpossible(raft, change);\n}',
        to: '  return joint ? undefined : whyImpossible(raft, change);\n}',
      },
      {
        file: 'core/confchange/changer.ts',
        from: "    if (this.outgoing.size > 0) refuse('config is already joint');\n",
        to: '',
      },
    ],
  },
  {
    name: 'old-voters-not-kept',
    breaks: 'Entering a joint configuration forgets the voters of before (4.3)',
    edits: [
      { file: 'core/confchange/changer.ts', from: 'for (const id of this.incoming) this.outgoing.add(id);', to: '' },
    ],
  },
  {
    name: 'auto-leave-missing',
    breaks: 'A joint configuration that is to be left by itself stays for ever (4.3)',
    edits: [
      {
        file: 'core/applied.ts',
        from: '!raft.tracker.membership.autoLeave ||',
        to: 'raft.tracker.membership.autoLeave || !raft.tracker.membership.autoLeave ||',
      },
    ],
  },
  {
    name: 'leave-joint-keeps-old-voters',
    breaks: 'The end of a joint configuration leaves the voters of before in force (4.3)',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: '    this.outgoing.clear();\n    this.autoLeave = false;',
        to: '    this.autoLeave = false;',
      },
    ],
  },
  {
    name: 'demoted-voter-stays-voter',
    breaks: 'A voter that becomes a learner is not one after the joint configuration',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: 'for (const id of this.learnersNext) this.setLearner(id);',
        to: 'for (const id of this.learnersNext) this.incoming.add(id);',
      },
    ],
  },
  {
    name: 'learner-counted-as-voter',
    breaks: 'A new learner counts in quorums (4.2.1)',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: '      this.track(id, true);\n      this.learners.add(id);',
        to: '      this.track(id, false);\n      this.incoming.add(id);',
      },
    ],
  },
  {
    name: 'learner-votes-counted-in-quorum',
    breaks: 'The acknowledgement of a learner helps to commit (4.2.1)',
    edits: [
      {
        file: 'core/progress/tracker.ts',
        from: 'return jointCommitted(this.membership.voters, this);',
        to: 'const { voters, learners } = this.membership;\n    return jointCommitted({ ...voters, incoming: voters.incoming.concat(learners) }, this);',
      },
    ],
  },
  {
    name: 'learner-campaigns',
    breaks: 'A learner stands for election (4.2.1)',
    edits: [{ file: 'core/raft.ts', from: 'own !== undefined && !own.learner &&', to: 'own !== undefined &&' }],
  },
  {
    name: 'learner-never-votes',
    breaks: 'A member that does not know yet that it was promoted refuses the vote that is needed (etcd 10998)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'const granted = free && log.isUpToDate(message.index, message.logTerm);',
        to: 'const granted =\n    free && log.isUpToDate(message.index, message.logTerm) && raft.tracker.progress.get(raft.id)?.learner !== true;',
      },
    ],
  },
  {
    name: 'campaign-with-unapplied-change',
    breaks: 'A member asks the wrong voters, since a committed change is not applied here: two leaders (etcd 12133)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'if (hasUnappliedConfChange(raft)) {',
        to: 'if (raft.term < 0 && hasUnappliedConfChange(raft)) {',
      },
    ],
  },
  {
    name: 'transfer-with-unapplied-change',
    breaks: 'A transfer skips the look for a change that is not applied yet: two leaders (etcd 12133)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'if (hasUnappliedConfChange(raft)) {',
        to: "if (kind !== 'transfer' && hasUnappliedConfChange(raft)) {",
      },
    ],
  },
  {
    name: 'unapplied-change-overlooked-on-later-pages',
    breaks: 'Of the entries that are not applied yet only the first page is looked through for changes (etcd 12133)',
    edits: [
      {
        file: 'core/unapplied-conf-change.ts',
        from: '    low += page.length;\n',
        to: '    low = Number.MAX_SAFE_INTEGER;\n',
      },
    ],
  },
  {
    name: 'commit-by-vote-missing',
    breaks:
      'All are up, and nobody can be elected, since a committed change is not known where it matters (etcd 12359)',
    edits: [
      {
        file: 'core/commit-by-vote.ts',
        from: "if (!raft.config.commitByVote || raft.role === 'leader') return;",
        to: "if (raft.config.commitByVote || raft.role === 'leader') return;",
      },
    ],
  },
  {
    name: 'removed-leader-stays',
    breaks: 'A leader that was removed goes on leading (4.2.2)',
    edits: [
      {
        file: 'core/membership.ts',
        from: 'if (raft.config.stepDownOnRemoval) becomeFollower(raft, raft.term, 0);',
        to: '',
      },
    ],
  },
  {
    name: 'removed-leader-serves-reads',
    breaks: 'A leader that was removed answers reads alone when one voter is left (hazard 1)',
    edits: [
      {
        file: 'core/membership.ts',
        from: 'if (raft.config.stepDownOnRemoval) becomeFollower(raft, raft.term, 0);',
        to: '',
      },
      {
        file: 'core/progress/tracker.ts',
        from: 'incoming.length === 1 && incoming[0] === id;',
        to: 'incoming.length === 1 && incoming[0] !== -id;',
      },
    ],
  },
  {
    name: 'smaller-quorum-unnoticed',
    breaks: 'When a removal makes what is stored enough, nothing is committed before the next acknowledgement',
    edits: [
      {
        file: 'core/membership.ts',
        from: 'if (maybeCommit(raft)) {',
        to: 'if (raft.term < 0 && maybeCommit(raft)) {',
      },
    ],
  },
  {
    name: 'last-voter-removed',
    breaks: 'A change that removes every voter is put in force, and stops the cluster for ever (hazard 7)',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: "if (this.incoming.size === 0) refuse('removed all voters');",
        to: '',
      },
    ],
  },
  {
    name: 'impossible-change-is-fatal',
    breaks: 'A committed change that can not be applied stops every member, at every start (hazard 7)',
    edits: [
      {
        file: 'core/membership.ts',
        from: 'if (!(error instanceof CoreError)) throw error;\n    const conf',
        to: 'if (error) throw error;\n    const conf',
      },
      {
        file: 'core/propose.ts',
        from: '  return whyImpossible(raft, change);\n}',
        to: '  return undefined;\n}',
      },
      {
        file: 'core/raw-node.ts',
        from: 'raft.pendingConfIndex > raft.log.applied ? undefined : whyImpossible(raft, change);',
        to: 'raft.term < 0 ? whyImpossible(raft, change) : undefined;',
      },
    ],
  },
  {
    name: 'newcomer-not-recently-active',
    breaks: 'A new member fails the check of the quorum before it had a chance to speak',
    edits: [
      {
        file: 'core/confchange/changer.ts',
        from: 'Math.max(lastIndex, 1), inflights, learner, true));',
        to: 'Math.max(lastIndex, 1), inflights, learner, false));',
      },
    ],
  },
];
