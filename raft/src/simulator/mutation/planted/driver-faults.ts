import type { PlantedFault } from '../planted-fault.ts';

/** Without those that kill processes of their own: they take longer, and find nothing that the others miss. */
const STORAGE = {
  tests: ['storage/crash.test.ts', 'storage/file-log-store.test.ts', 'storage/memory-log-store.test.ts'],
};
const DRIVER = { tests: ['driver'] };
/**
 * Rules of the core that make no difference in the simulator: what they guard against never happens there, or its
 * network, whose delays are random, breaks ties by itself.
 */
const CORE = { tests: ['core'] };

/** Faults around the core, where the simulator has a disk and a driver of its own: found by their tests. */
export const DRIVER_FAULTS: readonly PlantedFault[] = [
  {
    name: 'store-skips-sync',
    breaks: 'A write counts as durable without a sync: a loss of power takes it away',
    edits: [
      {
        file: 'storage/segmented-log.ts',
        from: "await this.#active.file.datasync().catch((cause) => Promise.reject(diskFailed('sync', file, cause)));",
        to: '',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'store-forgets-vote',
    breaks: 'A hard state that comes without entries is never written',
    edits: [
      {
        file: 'storage/file-log-store.ts',
        from: 'if (batch.entries.length === 0 && !batch.sync) {',
        to: 'if (batch.entries.length === 0) {',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'store-reads-damage',
    breaks: 'A frame whose checksum is wrong is read as if it were good',
    edits: [
      {
        file: 'storage/scan-segment.ts',
        from: 'if (header === undefined || !isBodyValid(segment, offset, header, salt)) break;',
        to: 'if (header === undefined) break;',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'store-keeps-torn-tail',
    breaks: 'A torn tail stays in the file, and a later start takes it for damage or for entries',
    edits: [
      {
        file: 'storage/recover-segments.ts',
        from: 'for (const one of progress.cuts) await withFile(fileSystem, one.file, (file) => cut(file, one));',
        to: 'for (const one of progress.cuts) await withFile(fileSystem, one.file, async () => undefined && one);',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'store-goes-on-after-failed-sync',
    breaks: 'After a failed sync the next write is acknowledged, although nobody knows what is on the disk',
    edits: [
      {
        file: 'storage/file-log-store.ts',
        from: 'if (error instanceof StorageError && !isDiskFull(error)) this.#failure ??= error;',
        to: '',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'store-compacts-too-far',
    breaks: 'Segments are deleted that still hold entries',
    edits: [
      {
        file: 'storage/segmented-log.ts',
        from: 'if (oldest === undefined || oldest.indexMax > index) break;',
        to: 'if (oldest === undefined) break;',
      },
    ],
    judge: STORAGE,
  },
  {
    name: 'writer-answers-before-storing',
    breaks: 'Promises are delivered while the write that they speak of is under way',
    edits: [
      {
        file: 'driver/log-writer.ts',
        from: 'if (merged.entries.length > 0 || merged.hardState !== undefined) await this.#parts.store.append(merged);\n    this.#deliver(writes);',
        to: 'this.#deliver(writes);\n    if (merged.entries.length > 0 || merged.hardState !== undefined) await this.#parts.store.append(merged);',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'writer-merges-over-conflict',
    breaks: 'Writes that share one sync leave entries behind that a new leader replaced',
    edits: [
      {
        file: 'driver/log-writer.ts',
        from: 'if (keep < entries.length) entries = entries.slice(0, keep);',
        to: 'if (keep < 0) entries = entries.slice(0, keep);',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'writer-drops-sync-of-merged-writes',
    breaks: 'Of several writes that share one, only the last says whether a sync is needed',
    edits: [{ file: 'driver/log-writer.ts', from: 'sync ||= write.sync;', to: 'sync = write.sync;' }],
    judge: DRIVER,
  },
  {
    name: 'writer-forgets-snapshot-cap',
    breaks: 'A crash while a snapshot is put in force leaves a commit index above the end of the log',
    edits: [
      {
        file: 'driver/log-writer.ts',
        from: 'hardState === undefined ? undefined : { ...hardState, commit: Math.min(hardState.commit, index) };',
        to: 'hardState;',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'writer-takes-failed-write-for-done',
    breaks: 'What a full disk did not take is promised all the same',
    edits: [
      {
        file: 'driver/log-writer.ts',
        from: 'await this.#hold(writes);\n    }\n    return true;',
        to: 'this.#deliver(writes);\n    }\n    return true;',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'applier-applies-again-behind-snapshot',
    breaks: 'Entries that a restored snapshot holds are applied once more (hazard 2)',
    edits: [
      {
        file: 'driver/applier.ts',
        from: 'if (entry.index <= applied) continue;',
        to: 'if (entry.index < 0) continue;',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'applier-reorders-membership',
    breaks: 'A change of membership is applied before the entries in front of it',
    edits: [
      {
        file: 'driver/applier.ts',
        from: '      this.#applyBatch(batch);\n      batch = [];\n      this.#applyMembership(entry);',
        to: '      this.#applyMembership(entry);',
      },
    ],
    judge: DRIVER,
  },
  {
    name: 'reads-never-asked-again',
    breaks: 'A read whose question or answer was lost waits until its time is over (lost retries)',
    edits: [
      { file: 'driver/reads.ts', from: 'if (batch.age >= this.#parts.retryTicks) {', to: 'if (batch.age < 0) {' },
    ],
    judge: DRIVER,
  },
  {
    name: 'restart-accepts-lost-log',
    breaks: 'A member whose log ends before what it acknowledged starts as if nothing were missing (etcd 10166)',
    edits: [
      { file: 'core/start-raft.ts', from: 'if (committed > log.lastIndex()) {', to: 'if (committed < 0) {' },
      {
        file: 'core/start-raft.ts',
        from: 'log.committed = committed;',
        to: 'log.committed = Math.min(committed, log.lastIndex());',
      },
    ],
    judge: CORE,
  },
  {
    name: 'snapshot-lacks-its-receiver',
    breaks: 'A member is sent a snapshot from before it was added, refuses it, and never catches up (hazard 4)',
    edits: [{ file: 'core/replication.ts', from: 'if (!includesMember(conf, to)) {', to: 'if (index < 0) {' }],
    judge: CORE,
  },
  {
    name: 'uncommitted-size-unlimited',
    breaks: 'A leader without a quorum takes proposals until its memory is full',
    edits: [
      {
        file: 'core/replication.ts',
        from: 'raft.uncommittedSize + bytes > raft.config.uncommittedSizeMax',
        to: 'raft.uncommittedSize + bytes < 0',
      },
    ],
    judge: CORE,
  },
  {
    name: 'timeouts-not-randomized',
    breaks: 'All members stand for election at the same time, over and over (5.2)',
    edits: [
      {
        file: 'core/roles.ts',
        from: 'electionTicks + random(electionTicks);',
        to: 'electionTicks + random(1);',
      },
    ],
    judge: CORE,
  },
  {
    name: 'pre-vote-unanswered-from-lower-term',
    breaks: 'Two members of different terms and log lengths block one another for ever (9.6, hashicorp 609)',
    edits: [
      {
        file: 'core/step.ts',
        from: '    response.reject = true;\n    raft.send(response);\n    return;\n  }\n  const { id, term } = raft;',
        to: '    return;\n  }\n  const { id, term } = raft;',
      },
    ],
    judge: CORE,
  },
];
