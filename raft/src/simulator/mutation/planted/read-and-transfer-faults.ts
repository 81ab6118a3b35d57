import type { CoreFault } from '../planted-fault.ts';

/** Faults in linearizable reads and in leadership transfer: the dissertation, 6.4 and 3.10. */
export const READ_AND_TRANSFER_FAULTS: readonly CoreFault[] = [
  {
    name: 'read-without-quorum',
    breaks: 'A leader answers reads without asking whether it still leads (6.4)',
    edits: [
      {
        file: 'core/reads.ts',
        from: 'const alone = raft.tracker.isOnlyVoter(raft.id);',
        to: 'const alone = raft.term > 0;',
      },
    ],
  },
  {
    name: 'read-on-fresh-leader',
    breaks: 'A new leader answers reads before it knows what its predecessors committed (6.4, etcd 7331)',
    edits: [
      {
        file: 'core/reads.ts',
        from: 'if (!raft.committedInOwnTerm()) {\n    // Beyond',
        to: 'if (raft.term < 0) {\n    // Beyond',
      },
    ],
  },
  {
    name: 'read-index-taken-late',
    breaks: 'A read is bound to an index below what was committed when it was asked',
    edits: [
      { file: 'core/reads.ts', from: 'const index = raft.log.committed;', to: 'const index = raft.log.applied - 1;' },
    ],
  },
  {
    name: 'read-confirmed-too-far',
    breaks: 'A quorum confirms a read that was asked after it was heard (6.4)',
    edits: [{ file: 'core/read-only.ts', from: '.sequence <= confirmed', to: '.sequence <= confirmed + 1' }],
  },
  {
    name: 'read-confirmed-by-one',
    breaks: 'One answer is enough to confirm a read (6.4)',
    edits: [
      {
        file: 'core/read-only.ts',
        from: 'const confirmed = jointCommitted(voters, this);',
        to: 'const confirmed = Math.max(...voters.incoming.map((id) => this.ackedIndex(id) ?? 0));',
      },
    ],
  },
  {
    name: 'read-confirmed-by-new-voters-alone',
    breaks: 'In a joint configuration the voters of before are not asked for reads (4.3, 6.4)',
    edits: [
      {
        file: 'core/read-only.ts',
        from: 'const confirmed = jointCommitted(voters, this);',
        to: 'const confirmed = jointCommitted({ incoming: voters.incoming, outgoing: [] }, this);',
      },
    ],
  },
  {
    name: 'reads-survive-terms',
    breaks: 'Reads of an earlier term are confirmed by heartbeats of a later one (6.4)',
    edits: [{ file: 'core/roles.ts', from: '  raft.readOnly.reset();\n', to: '' }],
  },
  {
    name: 'pending-reads-never-released',
    breaks: 'Reads that waited for the first commit of a new leader wait for ever (etcd 7331)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '    releasePendingReads(raft);\n    broadcastAppend(raft);\n  } else if',
        to: '    broadcastAppend(raft);\n  } else if',
      },
    ],
  },
  {
    name: 'lease-read-after-transfer',
    breaks: 'A leader trusts its lease although it has asked another one to campaign in spite of it (6.4.1)',
    edits: [{ file: 'core/transfer.ts', from: '  raft.leaseBroken = true;\n', to: '' }],
  },
  {
    name: 'lease-read-whatever-the-lease',
    breaks: 'With reads by lease a leader answers even when nobody has heard of it for long (6.4.1)',
    edits: [{ file: 'core/reads.ts', from: ' && raft.lease.holds(electionTicks);', to: ' && electionTicks > 0;' }],
  },
  {
    name: 'lease-without-check-quorum',
    breaks:
      'Reads by lease are allowed without checkQuorum, so that followers break the promise behind the lease (6.4.1)',
    edits: [
      {
        file: 'core/step.ts',
        from: 'const inLease = checkQuorum && raft.leader !== 0 && raft.electionElapsed < electionTicks;',
        to: "const inLease = checkQuorum && raft.config.readOnlyOption === 'safe' && raft.leader !== 0 && raft.electionElapsed < electionTicks;",
      },
    ],
  },
  {
    name: 'lease-counted-from-the-answer',
    breaks: 'A lease is counted from when its confirmation came in, and not from when the heartbeat went out (6.4.1)',
    edits: [{ file: 'core/lease.ts', from: 'this.confirmedAt = round.sentAt;', to: 'this.confirmedAt = this.now();' }],
  },
  {
    name: 'lease-promise-forgotten-at-restart',
    breaks: 'A follower that starts anew votes at once, although the lease of its leader still counts on it (6.4.1)',
    edits: [
      {
        file: 'core/start-raft.ts',
        from: "raft.promiseForgotten = config.readOnlyOption === 'lease-based' && hardState.term > 0;",
        to: 'raft.promiseForgotten = false;',
      },
    ],
  },
  {
    name: 'lease-forgotten-by-forget-leader',
    breaks: 'With reads by lease a follower may be told to forget its leader, and votes while the lease counts on it',
    edits: [
      {
        file: 'core/step-follower.ts',
        from: "if (raft.config.readOnlyOption === 'lease-based' || raft.config.keepPromise) {",
        to: 'if (raft.term < 0) {',
      },
    ],
  },
  {
    name: 'transfer-without-catching-up',
    breaks: 'The target of a transfer campaigns before it has all entries, and loses (3.10)',
    edits: [
      {
        file: 'core/transfer.ts',
        from: 'if (progress.match === raft.log.lastIndex()) {',
        to: 'if (progress.match <= raft.log.lastIndex()) {',
      },
    ],
  },
  {
    name: 'transfer-never-begins-after-catching-up',
    breaks: 'The target of a transfer that had to catch up is never told to campaign (3.10, hashicorp 696)',
    edits: [
      {
        file: 'core/transfer.ts',
        from: '  sendTimeoutNow(raft, from);\n}',
        to: '  if (raft.term < 0) sendTimeoutNow(raft, from);\n}',
      },
    ],
  },
  {
    name: 'transfer-never-aborts',
    breaks: 'After a transfer that did not come off the leader takes no proposals any more (3.10)',
    edits: [{ file: 'core/tick.ts', from: "if (raft.role === 'leader') raft.transferee = 0;", to: '' }],
  },
  {
    name: 'transfer-survives-terms',
    breaks: 'A leader that is elected again still refuses proposals for a transfer of an earlier term (hashicorp 696)',
    edits: [{ file: 'core/roles.ts', from: '  raft.transferee = 0;\n', to: '' }],
  },
  {
    name: 'transfer-to-learner',
    breaks: 'Leadership is handed to a member that has no vote (consul 7031)',
    edits: [{ file: 'core/transfer.ts', from: 'if (progress.learner) {', to: 'if (progress.match < 0) {' }],
  },
  {
    name: 'transfer-by-pre-vote',
    breaks:
      "The target of a transfer asks by pre-vote, which the leader's lease refuses (dragonboat 223, canonical 203)",
    edits: [
      {
        file: 'core/step-follower.ts',
        from: "startCampaign(raft, 'transfer');",
        to: "startCampaign(raft, 'pre-vote');",
      },
    ],
  },
  {
    name: 'transfer-mark-missing',
    breaks: 'The target of a transfer is refused as if it disturbed a working leader (dragonboat 223)',
    edits: [
      {
        file: 'core/election.ts',
        from: "request.context = kind === 'transfer' ? CAMPAIGN_TRANSFER : NO_BYTES;",
        to: 'request.context = NO_BYTES;',
      },
    ],
  },
  {
    name: 'proposals-during-transfer',
    breaks: 'Proposals go on during a transfer, and keep its target from ever catching up (3.10)',
    edits: [{ file: 'core/propose.ts', from: 'if (raft.transferee !== 0) {', to: 'if (raft.transferee < 0) {' }],
  },
  {
    name: 'forget-leader-forgets-nothing',
    breaks: 'A follower that is told that its leader is gone still refuses to vote',
    edits: [
      {
        file: 'core/step-follower.ts',
        from: 'id: raft.id, leader: raft.leader, term: raft.term });\n  raft.leader = 0;',
        to: 'id: raft.id, leader: raft.leader, term: raft.term });',
      },
    ],
  },
];
