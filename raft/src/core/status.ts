import type { ProgressView } from './progress/progress.ts';
import type { Raft } from './raft.ts';
import type { ConfState, HardState, NodeId, SoftState } from './types.ts';

/** A member's state for people and for tests: a copy. */
export interface BasicStatus extends SoftState, HardState {
  readonly id: NodeId;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Who is to take over leadership; 0 if nobody. */
  readonly transferee: NodeId;
  readonly conf: ConfState;
}

export interface Status extends BasicStatus {
  /** In order of id. Filled on the leader only. */
  readonly progress: ReadonlyMap<NodeId, ProgressView>;
}

export function basicStatus(raft: Raft): BasicStatus {
  // Field by field: observers ask after every step, and spreading made this a sixth of a simulation's time.
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    commit: raft.log.committed,
    leader: raft.leader,
    role: raft.role,
    applied: raft.log.applied,
    firstIndex: raft.log.firstIndex(),
    lastIndex: raft.log.lastIndex(),
    transferee: raft.transferee,
    conf: raft.tracker.confState(),
  };
}

export function fullStatus(raft: Raft): Status {
  const progress = new Map<NodeId, ProgressView>();
  if (raft.role === 'leader') {
    for (const id of raft.tracker.ids) {
      const known = raft.tracker.progress.get(id);
      if (known !== undefined) progress.set(id, known.view());
    }
  }
  return { ...basicStatus(raft), progress };
}
