import type { CoreFault } from '../planted-fault.ts';

/** Faults in what a leader commits, and in how it brings its log to the others: the paper, 5.3 and 5.4. */
export const COMMIT_FAULTS: readonly CoreFault[] = [
  {
    name: 'older-term-committed-by-counting',
    breaks: 'A leader commits an entry of an older term because a majority has it (5.4.2, figure 8)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'index <= this.committed || !this.matches(index, term)) return false',
        to: 'index <= this.committed) return false',
      },
    ],
  },
  {
    name: 'commit-by-minority',
    breaks: 'An entry counts as committed that less than a majority has (5.3)',
    edits: [
      {
        file: 'core/quorum/majority.ts',
        from: 'return ascending[count - (Math.floor(count / 2) + 1)] as number;',
        to: 'return ascending[Math.min(count - 1, count - Math.floor(count / 2))] as number;',
      },
    ],
  },
  {
    name: 'commit-needs-all',
    breaks: 'An entry is committed only when every voter has it: one member down stops all (5.3)',
    edits: [
      {
        file: 'core/quorum/majority.ts',
        from: 'return ascending[count - (Math.floor(count / 2) + 1)] as number;',
        to: 'return ascending[0] as number;',
      },
    ],
  },
  {
    name: 'commit-sort-misplaces',
    breaks: 'The acknowledged indexes are not sorted when the one that a majority has reached is picked (5.3)',
    edits: [
      {
        file: 'core/quorum/majority.ts',
        from: 'while (at > 0 && (ascending[at - 1] as number) > index) {',
        to: 'while (at > 1 && (ascending[at - 1] as number) > index) {',
      },
    ],
  },
  {
    name: 'heartbeat-commits-beyond-match',
    breaks: 'A heartbeat lets a follower commit entries that differ from the leader’s (5.3)',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'message.commit = Math.min(progress.match, raft.log.committed);',
        to: 'message.commit = raft.log.committed;',
      },
    ],
  },
  {
    name: 'refusals-count-as-acknowledgements',
    breaks: 'A refused append counts as stored by the follower (5.3)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: 'if (message.reject) appendRejected(raft, message, progress);',
        to: 'if (message.reject && message.index === 0) appendRejected(raft, message, progress);',
      },
    ],
  },
  {
    name: 'match-survives-terms',
    breaks:
      'A new leader goes on with what was acknowledged to it in an earlier term, which may be replaced (figure 2)',
    edits: [
      {
        file: 'core/roles.ts',
        from: 'progress.reset(id === raft.id ? last : 0, last + 1);',
        to: 'progress.reset(id === raft.id ? last : progress.match, last + 1);',
      },
    ],
  },
  {
    name: 'match-by-what-was-sent',
    breaks: 'What was sent to a follower counts as stored there (5.3)',
    edits: [
      {
        file: 'core/progress/progress.ts',
        from: '        this.next += entries;\n',
        to: '        this.next += entries;\n        this.match = this.next - 1;\n',
      },
    ],
  },
  {
    name: 'next-never-decreased',
    breaks: 'After a refusal the leader sends the same again: a follower with another tail never catches up (5.3)',
    edits: [
      {
        file: 'core/progress/progress.ts',
        from: 'this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);',
        to: 'this.next = Math.max(this.next, this.match + 1);',
      },
    ],
  },
  {
    name: 'commit-not-told',
    breaks: 'Followers hear that entries are committed only with the next entry or heartbeat',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '    releasePendingReads(raft);\n    broadcastAppend(raft);\n  } else if',
        to: '    releasePendingReads(raft);\n  } else if',
      },
    ],
  },
  {
    name: 'proposals-overtake-each-other',
    breaks: 'Entries proposed together get indexes that leave a gap',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'entries.push({ term, index: ++index, type, data });',
        to: 'entries.push({ term, index: proposed.length > 3 ? (index += 1) + 1 : ++index, type, data });',
      },
    ],
  },
  {
    name: 'leader-overwrites-own-entries',
    breaks: 'A leader replaces the last entry of its own log by its first one (leader append-only)',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'let index = log.lastIndex();\n',
        to: 'let index = log.lastIndex() - (log.lastIndex() > log.committed && log.lastTerm() < term ? 1 : 0);\n',
      },
    ],
  },
];
