import type { CoreFault } from '../planted-fault.ts';

/** Faults in elections: the paper, 5.2 and 5.4.1; the dissertation, 9.6 (pre-vote) and 4.2.3 (disruptive members). */
export const ELECTION_FAULTS: readonly CoreFault[] = [
  {
    name: 'vote-without-up-to-date-check',
    breaks: 'Whoever asks gets the vote, however short its log: committed entries are lost (5.4.1)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'const granted = free && log.isUpToDate(message.index, message.logTerm);',
        to: 'const granted = free;',
      },
    ],
  },
  {
    name: 'up-to-date-by-index-alone',
    breaks: 'A longer log of an older term wins over a shorter one of a later term (5.4.1)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return term > ourTerm || (term === ourTerm && index >= this.lastIndex());',
        to: 'return index >= this.lastIndex();',
      },
    ],
  },
  {
    name: 'up-to-date-by-term-alone',
    breaks: 'Of two logs that end in the same term the shorter one may win (5.4.1)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return term > ourTerm || (term === ourTerm && index >= this.lastIndex());',
        to: 'return term >= ourTerm;',
      },
    ],
  },
  {
    name: 'up-to-date-off-by-one',
    breaks: 'A log that lacks the last entry counts as up to date (5.4.1)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: '(term === ourTerm && index >= this.lastIndex())',
        to: '(term === ourTerm && index >= this.lastIndex() - 1)',
      },
    ],
  },
  {
    name: 'vote-for-lower-last-term',
    breaks: 'A log that ends in a lower term counts as up to date if it is longer (5.4.1)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return term > ourTerm || (term === ourTerm && index >= this.lastIndex());',
        to: 'return term > ourTerm || index >= this.lastIndex() + (term === ourTerm ? 0 : 1);',
      },
    ],
  },
  {
    name: 'double-vote',
    breaks: 'A member votes for several candidates of one term (5.2): two leaders',
    edits: [
      {
        file: 'core/election.ts',
        from: '(raft.vote === 0 && raft.leader === 0) ||',
        to: 'raft.leader === 0 ||',
      },
    ],
  },
  {
    name: 'vote-not-remembered',
    breaks: 'A given vote is forgotten at once, so that the next candidate gets one too (5.2)',
    edits: [{ file: 'core/election.ts', from: '      raft.vote = from;\n', to: '' }],
  },
  {
    name: 'own-vote-forgotten',
    breaks: 'A candidate may vote for another one in the term in which it stands itself (5.2)',
    edits: [{ file: 'core/roles.ts', from: '  raft.vote = raft.id;\n', to: '' }],
  },
  {
    name: 'vote-kept-over-terms',
    breaks: 'A vote of an earlier term binds in later ones (5.2): elections that nobody wins',
    edits: [{ file: 'core/roles.ts', from: '    raft.vote = 0;\n', to: '' }],
  },
  {
    name: 'refusals-count-as-votes',
    breaks: 'A candidate counts refusals as votes for it (5.2)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'raft.tracker.recordVote(from, !message.reject);',
        to: 'raft.tracker.recordVote(from, true);',
      },
    ],
  },
  {
    name: 'election-won-by-half',
    breaks: 'Half of an even number of voters elects a leader (5.2): two halves, two leaders',
    edits: [
      {
        file: 'core/quorum/majority.ts',
        from: 'const needed = Math.floor(voters.length / 2) + 1;',
        to: 'const needed = Math.ceil(voters.length / 2);',
      },
    ],
  },
  {
    name: 'term-not-raised',
    breaks: 'A candidate stands in the term that it is in, where another one may lead (5.2)',
    edits: [{ file: 'core/roles.ts', from: 'reset(raft, raft.term + 1);', to: 'reset(raft, Math.max(1, raft.term));' }],
  },
  {
    name: 'stale-votes-counted',
    breaks: 'Votes of an earlier term count in the present one',
    edits: [
      {
        file: 'core/step.ts',
        from: '} else if (message.term !== 0 && message.term < raft.term) {',
        to: "} else if (message.term !== 0 && message.term < raft.term && message.type !== 'vote-response') {",
      },
    ],
  },
  {
    name: 'votes-kept-over-campaigns',
    breaks: 'Votes of the last campaign count in the next one',
    edits: [
      {
        file: 'core/roles.ts',
        from: '  raft.leaseBroken = false;\n  raft.tracker.resetVotes();',
        to: '  raft.leaseBroken = false;',
      },
    ],
  },
  {
    name: 'pre-votes-count-as-votes',
    breaks: 'Answers to the pre-vote are counted as votes (9.6): they bind nobody, so two may win',
    edits: [
      {
        file: 'core/step-candidate.ts',
        from: "if (raft.role === 'pre-candidate') receiveVote(raft, message);",
        to: 'receiveVote(raft, message);',
      },
    ],
  },
  {
    name: 'pre-vote-ignored',
    breaks: 'A member that was cut off raises its term and ends the term of a working leader (9.6)',
    edits: [{ file: 'core/step.ts', from: "raft.config.preVote ? 'pre-vote' : 'vote'", to: "'vote'" }],
  },
  {
    name: 'pre-vote-raises-term',
    breaks: 'Asking whether an election could be won already raises the term (9.6)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'const term = preVote ? raft.term + 1 : raft.term;',
        to: 'if (preVote) raft.term++;\n  const term = raft.term;',
      },
    ],
  },
  {
    name: 'pre-vote-without-up-to-date-check',
    breaks: 'A member whose log is too short to win is encouraged to disturb the others (9.6)',
    edits: [
      {
        file: 'core/election.ts',
        from: 'const granted = free && log.isUpToDate(message.index, message.logTerm);',
        to: "const granted = free && (type === 'pre-vote' || log.isUpToDate(message.index, message.logTerm));",
      },
    ],
  },
  {
    name: 'pre-vote-answered-with-own-term',
    breaks: 'A granted pre-vote looks as if it came from the past and is dropped (hashicorp 605): no leader',
    edits: [
      {
        file: 'core/election.ts',
        from: 'response.term = message.term;\n    raft.send(response);',
        to: 'response.term = raft.term;\n    raft.send(response);',
      },
    ],
  },
  {
    name: 'pre-candidate-stands-in-lost-election',
    breaks: 'A pre-candidate goes on although a majority refused it (9.6)',
    edits: [
      {
        file: 'core/election.ts',
        from: "if (result === 'lost') becomeFollower(raft, raft.term, 0);",
        to: "if (result === 'lost' && raft.role === 'candidate') becomeFollower(raft, raft.term, 0);\n  else if (result === 'lost') campaign(raft, 'vote');",
      },
    ],
  },
  {
    name: 'higher-pre-vote-term-taken-over',
    breaks: 'Being asked for a pre-vote raises the term, although nobody is in that one yet (9.6)',
    edits: [
      {
        file: 'core/step.ts',
        from: "if (type === 'pre-vote' || (type === 'pre-vote-response' && !message.reject)) return true;",
        to: "if (type === 'pre-vote-response' && !message.reject) return true;",
      },
    ],
  },
  {
    name: 'lease-ignored',
    breaks: 'Members that hear from a leader vote it out of office (4.2.3)',
    edits: [
      {
        file: 'core/step.ts',
        from: 'const inLease = checkQuorum && raft.leader !== 0 && raft.electionElapsed < electionTicks;',
        to: 'const inLease = checkQuorum && raft.leader !== 0 && raft.electionElapsed < 0 * electionTicks;',
      },
    ],
  },
  {
    name: 'lease-without-end',
    breaks: 'Members never again vote while they remember a leader, even if it is long gone (4.2.3)',
    edits: [
      {
        file: 'core/step.ts',
        from: 'const inLease = checkQuorum && raft.leader !== 0 && raft.electionElapsed < electionTicks;',
        to: 'const inLease = checkQuorum && raft.leader !== 0 && electionTicks > 0;',
      },
    ],
  },
  {
    name: 'leader-ignores-higher-term',
    breaks: 'A leader does not step down when it hears of a later term (5.1)',
    edits: [
      {
        file: 'core/step.ts',
        from: 'if (message.term > raft.term) {',
        to: "if (message.term > raft.term && raft.role !== 'leader') {",
      },
    ],
  },
  {
    name: 'candidate-keeps-standing-beside-leader',
    breaks: 'A candidate does not follow the leader that was elected in its term (5.2)',
    edits: [
      {
        file: 'core/step-candidate.ts',
        from: "    case 'append':\n      becomeFollower(raft, message.term, message.from);\n      receiveAppend(raft, message);\n      return;\n    case 'heartbeat':\n      becomeFollower(raft, message.term, message.from);\n",
        to: "    case 'append':\n      receiveAppend(raft, message);\n      return;\n    case 'heartbeat':\n",
      },
    ],
  },
  {
    name: 'lower-term-accepted',
    breaks: 'A follower takes entries of a leader whose term is over (5.1)',
    edits: [
      {
        file: 'core/step.ts',
        from: '} else if (message.term !== 0 && message.term < raft.term) {',
        to: "} else if (message.term !== 0 && message.term < raft.term && message.type !== 'append') {",
      },
    ],
  },
  {
    name: 'lower-term-unanswered',
    breaks: 'A member with a later term can neither follow nor win, since the old leader never hears of that term (6)',
    edits: [
      {
        file: 'core/step.ts',
        from: "    raft.send(draftMessage('append-response', from));\n    return;",
        to: '    return;',
      },
    ],
  },
  {
    name: 'check-quorum-never-steps-down',
    breaks: 'A leader that reaches nobody goes on leading (6.2)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: 'if (!raft.tracker.quorumActive()) {',
        to: 'if (!raft.tracker.quorumActive() && raft.term < 0) {',
      },
    ],
  },
  {
    name: 'check-quorum-never-forgets',
    breaks: 'Who was heard of once counts as active for the whole term (6.2)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: 'if (id !== raft.id) progress.recentlyActive = false;',
        to: 'if (id === raft.id) progress.recentlyActive = true;',
      },
    ],
  },
  {
    name: 'check-quorum-leaves-out-the-leader',
    breaks: 'A leader does not count itself: with a member down it steps down for no reason (6.2)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: 'if (id !== raft.id) progress.recentlyActive = false;',
        to: 'progress.recentlyActive = false;',
      },
    ],
  },
  {
    name: 'heartbeat-answers-are-no-sign-of-life',
    breaks: 'An idle leader steps down although all answer its heartbeats (6.2)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '  progress.recentlyActive = true;\n  progress.appendPaused = false;\n',
        to: '  progress.appendPaused = false;\n',
      },
    ],
  },
  {
    name: 'leader-without-own-entry',
    breaks: 'A new leader appends nothing of its term, so what its predecessors left stays uncommitted (8)',
    edits: [
      {
        file: 'core/roles.ts',
        from: 'if (!appendOwn(raft, [FIRST_ENTRY])) throw new InvariantError("The leader\'s first entry was refused");',
        to: 'if (raft.term < 0) appendOwn(raft, [FIRST_ENTRY]);',
      },
    ],
  },
  {
    name: 'leader-not-heard',
    breaks: "A heartbeat does not put off the follower's own election (5.2)",
    edits: [
      {
        file: 'core/step-follower.ts',
        from: '  raft.electionElapsed = 0;\n  raft.leader = message.from;',
        to: "  if (message.type !== 'heartbeat') raft.electionElapsed = 0;\n  raft.leader = message.from;",
      },
    ],
  },
  {
    name: 'commit-by-vote-without-term',
    breaks: 'A commit index learnt from a vote is taken over without comparing the entry there (etcd 12359)',
    edits: [
      {
        file: 'core/commit-by-vote.ts',
        from: 'raft.log.maybeCommit(message.commit, message.rejectHint)',
        to: 'raft.log.maybeCommit(message.commit, raft.log.term(message.commit) ?? 0)',
      },
    ],
  },
];
