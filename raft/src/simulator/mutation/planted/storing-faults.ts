import type { CoreFault } from '../planted-fault.ts';

/** Faults in what has to be durable when, and in what is made of it at a start: the paper, figure 2 and 5.2. */
export const STORING_FAULTS: readonly CoreFault[] = [
  {
    name: 'vote-not-persisted',
    breaks: 'The vote is not part of what is stored: after a restart a member votes again in the same term',
    edits: [
      {
        file: 'core/raft.ts',
        from: 'return { term: this.term, vote: this.vote, commit: this.log.committed };',
        to: 'return { term: this.term, vote: 0, commit: this.log.committed };',
      },
    ],
  },
  {
    name: 'term-not-persisted',
    breaks: 'A term that was taken over without a vote is not stored',
    edits: [
      {
        file: 'core/ready-builder.ts',
        from: 'return raft.term !== hardState.term || raft.vote !== hardState.vote || raft.log.committed !== hardState.commit;',
        to: 'return raft.vote !== hardState.vote || raft.log.committed !== hardState.commit;',
      },
    ],
  },
  {
    name: 'vote-not-synced',
    breaks: 'A vote alone is written without a sync, and a loss of power forgets it',
    edits: [{ file: 'core/ready-builder.ts', from: ' || raft.vote !== this.hardState.vote;', to: ';' }],
  },
  {
    name: 'term-not-synced',
    breaks: 'A term alone is written without a sync, and a loss of power forgets it',
    edits: [{ file: 'core/ready-builder.ts', from: 'raft.term !== this.hardState.term || ', to: '' }],
  },
  {
    name: 'entries-not-synced',
    breaks: 'Entries are acknowledged that a loss of power takes away',
    edits: [{ file: 'core/ready-builder.ts', from: 'entries.length > 0 || raft.term', to: 'raft.term' }],
  },
  {
    name: 'acknowledge-before-stored',
    breaks: 'A follower acknowledges entries before they are on its disk',
    edits: [
      {
        file: 'core/raft.ts',
        from: "      case 'append-response':\n      case 'vote-response':",
        to: "      case 'append-response':\n        (message.to === this.id ? this.messagesAfterAppend : this.messages).push(message);\n        break;\n      case 'vote-response':",
      },
    ],
  },
  {
    name: 'vote-before-stored',
    breaks: 'A vote is told before it is on the disk',
    edits: [
      {
        file: 'core/raft.ts',
        from: "      case 'append-response':\n      case 'vote-response':",
        to: "      case 'vote-response':\n        (message.to === this.id ? this.messagesAfterAppend : this.messages).push(message);\n        break;\n      case 'append-response':",
      },
    ],
  },
  {
    name: 'candidacy-before-stored',
    breaks: 'Votes are asked for in a term that the candidate may forget: it could lead the same term twice',
    edits: [{ file: 'core/default-config.ts', from: 'storeBeforeCampaign: true', to: 'storeBeforeCampaign: false' }],
  },
  {
    name: 'own-vote-counted-before-stored',
    breaks: 'A candidate counts its own vote before it is on the disk, or never hears of it where it is alone',
    edits: [
      {
        file: 'core/election.ts',
        from: '      raft.send(own);\n      continue;',
        to: '      raft.tracker.recordVote(id, true);\n      continue;',
      },
    ],
  },
  {
    name: 'leader-counts-unstored-entries',
    breaks: 'A leader commits entries before its own disk has them',
    edits: [
      {
        file: 'core/replication.ts',
        from: '  raft.send(message);\n  return true;\n}\n\n/** Entries were applied',
        to: '  raft.tracker.progress.get(raft.id)?.maybeUpdate(index);\n  return true;\n}\n\n/** Entries were applied',
      },
    ],
  },
  {
    name: 'promise-without-writing-overtakes',
    breaks: 'With storage threads a promise that needs no write of its own overtakes the writes before it',
    edits: [
      {
        file: 'core/ready-builder.ts',
        from: 'if (entries.length > 0 || hardState !== undefined || snapshot !== undefined || promises.length > 0) {',
        to: 'if (entries.length === 0 && hardState === undefined && snapshot === undefined) messages.push(...promises.filter(({ to }) => to !== raft.id));\n      else {',
      },
    ],
  },
  {
    name: 'stored-word-for-unsent-entries',
    breaks: 'Entries that came while others were written count as stored with those',
    edits: [
      {
        file: 'core/step.ts',
        from: 'if (message.index !== 0) raft.log.unstable.stableTo(message.index, message.logTerm);',
        to: 'if (message.index !== 0) raft.log.unstable.stableTo(raft.log.lastIndex(), raft.log.lastTerm());',
      },
    ],
  },
  {
    name: 'restart-from-stored-commit-alone',
    breaks:
      'A restart trusts the stored commit index although applied entries or a snapshot are ahead of it (hazard 3)',
    edits: [
      {
        file: 'core/start-raft.ts',
        from: 'Math.max(hardState.commit, config.applied, log.committed)',
        to: 'hardState.commit',
      },
    ],
  },
  {
    name: 'restart-forgets-vote',
    breaks: 'A restart begins with the stored term but without the vote given in it',
    edits: [{ file: 'core/start-raft.ts', from: 'raft.vote = hardState.vote;', to: 'raft.vote = 0;' }],
  },
  {
    name: 'restart-forgets-term',
    breaks: 'A restart begins in the term of the last entry and not in the stored one',
    edits: [{ file: 'core/start-raft.ts', from: 'raft.term = hardState.term;', to: 'raft.term = log.lastTerm();' }],
  },
];
