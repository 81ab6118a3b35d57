import type { CoreFault } from '../planted-fault.ts';

/** Faults in flow control: probing, the window of messages in flight, limits of size. */
export const FLOW_FAULTS: readonly CoreFault[] = [
  {
    name: 'in-flight-never-freed',
    breaks: 'Acknowledged messages stay in the window, until it is full for ever',
    edits: [{ file: 'core/step-leader.ts', from: 'progress.inflights.freeUpTo(index);', to: '' }],
  },
  {
    name: 'in-flight-freed-off-by-one',
    breaks: 'The message that was acknowledged stays in the window',
    edits: [
      {
        file: 'core/progress/inflights.ts',
        from: '(this.indexes[this.start] as number) <= index',
        to: '(this.indexes[this.start] as number) < index',
      },
    ],
  },
  {
    name: 'in-flight-window-one-too-wide',
    breaks: 'One message more is on its way than the limit allows',
    edits: [
      { file: 'core/progress/inflights.ts', from: 'this.used >= this.countMax ||', to: 'this.used > this.countMax ||' },
    ],
  },
  {
    name: 'in-flight-stall',
    breaks: 'With a full window nothing is sent at all; if all that filled it was lost, nothing ever is (etcd 14633)',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'if (progress.paused()) return false;',
        to: "if (progress.paused() || (progress.state === 'replicate' && progress.inflights.full())) return false;",
      },
    ],
  },
  {
    name: 'probe-stuck',
    breaks: 'A lost probe is never sent again',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: '  progress.recentlyActive = true;\n  progress.appendPaused = false;\n',
        to: '  progress.recentlyActive = true;\n',
      },
    ],
  },
  {
    name: 'probe-without-pause',
    breaks: 'A follower of which nothing is known is flooded with the same message',
    edits: [
      {
        file: 'core/progress/progress.ts',
        from: 'if (entries > 0) this.appendPaused = true;',
        to: 'if (entries < 0) this.appendPaused = true;',
      },
    ],
  },
  {
    name: 'refused-probe-stays-paused',
    breaks: 'After a refusal the next try waits for a heartbeat',
    edits: [
      {
        file: 'core/progress/progress.ts',
        from: 'this.match + 1);\n      this.appendPaused = false;',
        to: 'this.match + 1);',
      },
    ],
  },
  {
    name: 'never-replicates',
    breaks: 'A follower stays probed, one message at a time, however well it keeps up',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: "  if (progress.state === 'probe') {\n    progress.becomeReplicate();",
        to: "  if (progress.state === 'probe') {\n    progress.next = progress.match + 1;",
      },
    ],
  },
  {
    name: 'idle-follower-not-caught-up',
    breaks: 'A follower that missed the last message is left behind until something new is proposed',
    edits: [
      {
        file: 'core/step-leader.ts',
        from: "if (progress.match < raft.log.lastIndex() || progress.state === 'probe') sendAppend(raft, message.from, progress);",
        to: "if (progress.match > raft.log.lastIndex() || progress.state === 'probe') sendAppend(raft, message.from, progress);",
      },
    ],
  },
  {
    name: 'replicate-without-rewind',
    breaks: 'A refusal in the middle of replication does not take the leader back to what is acknowledged',
    edits: [
      {
        file: 'core/progress/progress.ts',
        from: '      if (rejected <= this.match) return false;\n      this.next = this.match + 1;',
        to: '      if (rejected <= this.match) return false;',
      },
      {
        file: 'core/step-leader.ts',
        from: "if (progress.state === 'replicate') progress.becomeProbe();\n  sendAppend",
        to: 'sendAppend',
      },
    ],
  },
  {
    name: 'message-size-unlimited',
    breaks: 'A message to a follower that is far behind holds the whole log',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'log.entriesFrom(progress.next, raft.config.messageSizeMax)',
        to: 'log.entriesFrom(progress.next, Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    name: 'large-entry-never-sent',
    breaks: 'An entry above the size of a message is never sent',
    edits: [
      {
        file: 'core/entry-size.ts',
        from: 'if (bytes > sizeMax && i > start) return i - start;',
        to: 'if (bytes > sizeMax) return i - start;',
      },
    ],
  },
  {
    name: 'uncommitted-size-never-released',
    breaks: 'The limit on the uncommitted tail counts committed entries too, and one day refuses everything',
    edits: [{ file: 'core/applied.ts', from: '  releaseUncommitted(raft, entries);\n', to: '' }],
  },
  {
    name: 'refused-proposal-counted',
    breaks: 'Proposals that were refused for their size take room from those that come after',
    edits: [
      {
        file: 'core/replication.ts',
        from: "    raft.trace({ level: 'warning', kind: 'uncommitted-size-exceeded', id: raft.id });\n",
        to: "    raft.uncommittedSize += bytes;\n    raft.trace({ level: 'warning', kind: 'uncommitted-size-exceeded', id: raft.id });\n",
      },
    ],
  },
  {
    name: 'apply-pages-unlimited',
    breaks: 'All committed entries are given out to be applied at once, whatever the limit',
    edits: [
      {
        file: 'core/log/raft-log.ts',
        from: 'this.appliable(allowUnstable) + 1, this.window.room());',
        to: 'this.appliable(allowUnstable) + 1, Number.POSITIVE_INFINITY);',
      },
    ],
  },
];
