import type { CoreFault } from '../planted-fault.ts';

/** Faults in a member's log, and in what it takes from a leader: the paper, 5.3. */
export const LOG_FAULTS: readonly CoreFault[] = [
  {
    name: 'append-without-consistency-check',
    breaks: 'Entries are taken without looking at the term of what they follow on (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (!this.matches(previousIndex, previousTerm)) return undefined;',
        to: 'if (this.term(previousIndex) === undefined) return undefined;',
      },
    ],
  },
  {
    name: 'consistency-check-off-by-one',
    breaks: 'Entries are taken if the entry before the previous one matches (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (!this.matches(previousIndex, previousTerm)) return undefined;',
        to: 'if (!this.matches(previousIndex, previousTerm) && !this.matches(previousIndex - 1, previousTerm)) return undefined;',
      },
    ],
  },
  {
    name: 'conflict-not-truncated',
    breaks: 'A conflicting end that storage does not have yet stays behind the new entries (5.3)',
    edits: [
      {
        file: 'core/log/unstable.ts',
        from: 'this.entries.length = from - this.offset;\n    for (const entry of entries) this.entries.push(entry);',
        to: 'for (const entry of entries) this.entries[entry.index - this.offset] = entry;',
      },
    ],
  },
  {
    name: 'stored-conflict-not-truncated',
    breaks: 'New entries in the place of stored ones are not handed out to be stored (5.3)',
    edits: [
      {
        file: 'core/log/unstable.ts',
        from: '      this.offset = from;\n      this.offsetInProgress = from;\n      return;',
        to: '      this.offset = from;\n      return;',
      },
    ],
  },
  {
    name: 'rewritten-entries-not-stored',
    breaks: 'What replaces entries that are just being written is never written itself (5.3)',
    edits: [
      {
        file: 'core/log/unstable.ts',
        from: '    this.offsetInProgress = Math.min(this.offsetInProgress, from);\n',
        to: '',
      },
    ],
  },
  {
    name: 'truncate-whatever-comes',
    breaks: 'An old message cuts off entries that came after it, acknowledged ones too (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (ours === term) continue;',
        to: 'if (ours === term && index <= this.committed) continue;',
      },
    ],
  },
  {
    name: 'truncate-committed-entries',
    breaks: 'An old message cuts the log in its committed part (5.3)',
    edits: [
      { file: 'core/follow.ts', from: 'if (message.index < log.committed) {', to: 'if (message.index < 0) {' },
      {
        file: 'core/log/raft-log.ts',
        from: 'if (ours === term) continue;',
        to: 'if (ours === term && index < this.committed) continue;',
      },
      { file: 'core/log/raft-log.ts', from: 'if (conflict <= this.committed) {', to: 'if (conflict < 0) {' },
      { file: 'core/log/raft-log.ts', from: 'if (first.index <= this.committed) {', to: 'if (first.index < 0) {' },
    ],
  },
  {
    name: 'conflict-by-index-alone',
    breaks: 'An entry of another term at the same index counts as the same entry (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (ours === term) continue;',
        to: 'if (ours !== undefined) continue;',
      },
    ],
  },
  {
    name: 'conflict-cut-off-by-one',
    breaks: 'The entry at which the logs part is not replaced, only those behind it (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'entries.slice(conflict - previousIndex - 1)',
        to: 'entries.slice(conflict - previousIndex)',
      },
    ],
  },
  {
    name: 'hint-below-the-truth',
    breaks:
      'A refusal names a place where the logs may still differ as if they met there, or the other way round (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (ours <= term) return { index: at, term: ours };',
        to: 'if (ours >= term) return { index: at, term: ours };',
      },
    ],
  },
  {
    name: 'refusal-without-hint',
    breaks: 'After a refusal the leader tries one index after the other: a long tail takes for ever (5.3)',
    edits: [
      { file: 'core/follow.ts', from: 'response.rejectHint = hint.index;', to: 'response.rejectHint = message.index;' },
    ],
  },
  {
    name: 'stable-without-term',
    breaks: 'The word that an entry is stored counts for another entry that has taken its place (ABA)',
    edits: [
      { file: 'core/log/unstable.ts', from: 'if (ours !== term) {', to: 'if (ours < 0) {' },
      {
        file: 'core/step.ts',
        from: "    if (message.index !== 0) {\n      raft.trace({ level: 'info', kind: 'stale-storage-append'",
        to: "    if (message.index !== 0) {\n      raft.log.unstable.stableTo(message.index, message.logTerm);\n      raft.trace({ level: 'info', kind: 'stale-storage-append'",
      },
    ],
  },
  {
    name: 'apply-twice',
    breaks: 'The last entry of a batch is given out to be applied once more (5.3)',
    edits: [{ file: 'core/log/apply-window.ts', from: 'this.applying = last;', to: 'this.applying = last - 1;' }],
  },
  {
    name: 'apply-skips-one',
    breaks: 'An entry is left out when applying (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return this.slice(this.window.applying + 1,',
        to: 'return this.slice(Math.min(this.window.applying + 2, this.appliable(allowUnstable)),',
      },
    ],
  },
  {
    name: 'apply-uncommitted',
    breaks: 'An entry is applied that is not committed yet (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);',
        to: 'return Math.min(this.lastIndex(), this.committed + 1);',
      },
    ],
  },
  {
    name: 'apply-before-stored',
    breaks:
      'With storage threads an entry is applied before it is stored here: after a crash the state is ahead of the log',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);',
        to: 'return this.committed + (allowUnstable ? 0 : 0);',
      },
    ],
  },
  {
    name: 'apply-window-never-opens',
    breaks: 'Once the limit on entries being applied is reached, nothing is ever applied again',
    edits: [
      {
        file: 'core/log/apply-window.ts',
        from: '    this.bytes = Math.max(0, this.bytes - bytes);\n',
        to: '',
      },
    ],
  },
  {
    name: 'commit-beyond-proof',
    breaks: 'An empty message is not taken for what it proves: the commit index waits for the next entry (5.3)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'this.commitTo(Math.min(commit, last));',
        to: 'if (entries.length > 0) this.commitTo(Math.min(commit, last));',
      },
      {
        file: 'core/follow.ts',
        from: 'raft.log.commitTo(message.commit);',
        to: 'if (message.commit < 0) raft.log.commitTo(message.commit);',
      },
    ],
  },
  {
    name: 'commit-index-goes-back',
    breaks: 'A late message takes the commit index back (figure 2: it grows monotonically)',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: '    if (index <= this.committed) return;\n    if (index > this.lastIndex()) {',
        to: '    if (index === this.committed) return;\n    if (index > this.lastIndex()) {',
      },
    ],
  },
  {
    name: 'page-limit-drops-stored-entries',
    breaks: 'Where stored and unstored entries meet, an entry is left out of what is sent or applied',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (high <= offset || stored.length < cut - low) return stored;',
        to: 'if (high <= offset) return stored;',
      },
    ],
  },
];
