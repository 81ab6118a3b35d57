import type { CoreFault } from '../planted-fault.ts';

/** Faults in sending, taking and following on snapshots: the paper, 7; the dissertation, 5. */
export const SNAPSHOT_FAULTS: readonly CoreFault[] = [
  {
    name: 'snapshot-commit-off-by-one',
    breaks: 'A restored log counts the last entry of the snapshot as uncommitted',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'this.committed = snapshot.meta.index;',
        to: 'this.committed = snapshot.meta.index - 1;',
      },
    ],
  },
  {
    name: 'snapshot-log-begins-off-by-one',
    breaks: 'The log behind a restored snapshot begins one index late',
    edits: [
      {
        file: 'core/log/unstable.ts',
        from: 'this.offset = snapshot.meta.index + 1;',
        to: 'this.offset = snapshot.meta.index + 2;',
      },
    ],
  },
  {
    name: 'snapshot-progress-at-log-end',
    breaks: 'The leader takes a follower to whom it sends a snapshot to be at the end of the log afterwards',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'progress.becomeSnapshot(index);',
        to: 'progress.becomeSnapshot(raft.log.lastIndex());',
      },
    ],
  },
  {
    name: 'snapshot-state-stuck-after-failure',
    breaks: 'After a lost snapshot nothing is sent to the follower for ever (hazard 5)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '  if (message.reject) progress.pendingSnapshot = 0;\n  progress.becomeProbe();',
        to: '  if (message.reject) return;\n  progress.becomeProbe();',
      },
    ],
  },
  {
    name: 'snapshot-state-never-left',
    breaks: 'A follower that has taken its snapshot stays in the snapshot state (etcd 10225)',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '  if (message.reject) progress.pendingSnapshot = 0;\n  progress.becomeProbe();',
        to: '  if (message.reject) progress.becomeProbe();',
      },
      {
        file: 'core/step-leader.ts',
        from: 'if (progress.match + 1 >= raft.log.firstIndex()) {',
        to: 'if (progress.match < 0) {',
      },
    ],
  },
  {
    name: 'snapshot-over-newer-log',
    breaks: 'An old snapshot replaces a log that is ahead of it, committed entries included',
    edits: [{ file: 'core/follow.ts', from: 'if (index <= log.committed) return false;', to: '' }],
  },
  {
    name: 'snapshot-keeps-old-membership',
    breaks: 'The membership of a snapshot is not put in force',
    edits: [{ file: 'core/follow.ts', from: '  restoreConfState(raft, conf);\n', to: '' }],
  },
  {
    name: 'snapshot-membership-overtaken-by-apply',
    breaks: 'A change that was still being applied puts an old membership over the snapshot’s (hazard 2)',
    edits: [{ file: 'core/follow.ts', from: '  raft.membershipFloor = index;\n', to: '' }],
  },
  {
    name: 'snapshot-fast-forward-without-match',
    breaks: 'A log that is as long as a snapshot counts as equal to it',
    edits: [{ file: 'core/follow.ts', from: 'if (log.matches(index, term)) {', to: 'if (log.lastIndex() >= index) {' }],
  },
  {
    name: 'snapshot-drops-matching-log',
    breaks:
      'A member that has everything already throws its log away for a snapshot, acknowledged entries included (figure 13)',
    edits: [{ file: 'core/follow.ts', from: 'if (log.matches(index, term)) {', to: 'if (log.matches(index, -1)) {' }],
  },
  {
    name: 'snapshot-acknowledged-beyond-its-end',
    breaks: 'A restored snapshot is acknowledged one index too far',
    edits: [
      {
        file: 'core/follow.ts',
        from: 'restored ? raft.log.lastIndex() : raft.log.committed',
        to: 'restored ? raft.log.lastIndex() + 1 : raft.log.committed',
      },
    ],
  },
  {
    name: 'apply-behind-pending-snapshot',
    breaks: 'Entries behind a snapshot are applied before the snapshot itself is',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (this.window.paused || this.unstable.snapshot !== undefined) return false;',
        to: 'if (this.window.paused) return false;',
      },
      {
        file: 'core/log/unstable.ts',
        from: '    this.snapshotInProgress = false;\n  }\n\n  /** Adds entries',
        to: '    this.snapshotInProgress = false;\n  }\n  /** Adds entries',
      },
    ],
  },
  {
    name: 'campaign-with-pending-snapshot',
    breaks: 'A member whose state is just being replaced by a snapshot stands for election',
    edits: [
      {
        file: 'core/raft.ts',
        from: 'return own !== undefined && !own.learner && this.log.unstable.snapshot === undefined;',
        to: 'return own !== undefined && !own.learner;',
      },
    ],
  },
  {
    name: 'snapshot-never-applied',
    breaks: 'The word that a snapshot is in force is lost: nothing is applied any more',
    edits: [
      {
        file: 'core/step.ts',
        from: '      if (message.snapshot !== undefined) snapshotApplied(raft, message.snapshot);\n      return;\n    case',
        to: '      return;\n    case',
      },
    ],
  },
  {
    name: 'snapshot-word-of-earlier-term-lost',
    breaks: 'If the term changes while a snapshot is put in force, the member waits for it for ever (hazard 5)',
    edits: [
      {
        file: 'core/step.ts',
        from: '    if (message.snapshot !== undefined) snapshotApplied(raft, message.snapshot);\n    return;\n  }\n  raft.trace',
        to: '    return;\n  }\n  raft.trace',
      },
    ],
  },
  {
    name: 'term-below-first-entry-forgotten',
    breaks: 'The term of what was compacted last is not known, so nothing can follow on it',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'if (index + 1 < this.firstIndex() || index > this.lastIndex()) return undefined;',
        to: 'if (index < this.firstIndex() || index > this.lastIndex()) return undefined;',
      },
    ],
  },
];
