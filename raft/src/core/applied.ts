import { CoreError } from './core-error.ts';
import { entriesSize } from './entry-size.ts';
import { NO_BYTES } from './message.ts';
import { proposeAsLeader } from './propose.ts';
import type { Raft } from './raft.ts';
import { releaseUncommitted } from './replication.ts';
import type { Entry, Snapshot } from './types.ts';

const LEAVE_JOINT_ENTRY: Entry = { term: 0, index: 0, type: 'conf-change', data: NO_BYTES };

/** The state machine has applied `entries`. */
export function entriesApplied(raft: Raft, entries: readonly Entry[]): void {
  const last = entries[entries.length - 1];
  if (last === undefined) return;
  appliedTo(raft, last.index, entriesSize(entries));
  releaseUncommitted(raft, entries);
}

/** Storage and state machine have taken over `snapshot`. */
export function snapshotApplied(raft: Raft, snapshot: Snapshot): void {
  raft.log.unstable.stableSnapshotTo(snapshot.meta.index);
  appliedTo(raft, snapshot.meta.index, 0);
}

function appliedTo(raft: Raft, index: number, bytes: number): void {
  // An apply that was under way when a snapshot came in may end after it.
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, bytes);
  if (raft.role !== 'leader' || !raft.tracker.membership.autoLeave || applied < raft.pendingConfIndex) return;
  // The latest change entered a joint configuration that is to be left by itself. If the proposal is dropped now,
  // because of a transfer, the next applied entry, or the next leader's first, brings us here again.
  const conf = raft.tracker.confState();
  try {
    proposeAsLeader(raft, [LEAVE_JOINT_ENTRY]);
    raft.trace({ level: 'info', kind: 'auto-leave-proposed', id: raft.id, conf });
  } catch (error) {
    if (!(error instanceof CoreError) || error.code !== 'proposal-dropped') throw error;
    raft.trace({ level: 'debug', kind: 'auto-leave-dropped', id: raft.id, conf, reason: error.message });
  }
}
