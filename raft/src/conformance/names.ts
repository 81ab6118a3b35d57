import type { CoreErrorCode } from '../core/core-error.ts';
import type { ConfChangeTransition, ConfChangeType, MessageType, NodeId, Role } from '../core/types.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from '../core/types.ts';

/** What the reference implementation calls the things that we call otherwise. Names only: never results. */

export const MESSAGE_NAMES: Readonly<Record<MessageType, string>> = {
  hup: 'MsgHup',
  beat: 'MsgBeat',
  propose: 'MsgProp',
  append: 'MsgApp',
  'append-response': 'MsgAppResp',
  // Ours alone: no transcript has it.
  'append-received': 'MsgAppReceived',
  vote: 'MsgVote',
  'vote-response': 'MsgVoteResp',
  snapshot: 'MsgSnap',
  heartbeat: 'MsgHeartbeat',
  'heartbeat-response': 'MsgHeartbeatResp',
  unreachable: 'MsgUnreachable',
  'snapshot-status': 'MsgSnapStatus',
  'check-quorum': 'MsgCheckQuorum',
  'transfer-leader': 'MsgTransferLeader',
  'timeout-now': 'MsgTimeoutNow',
  'read-index': 'MsgReadIndex',
  'read-index-response': 'MsgReadIndexResp',
  'pre-vote': 'MsgPreVote',
  'pre-vote-response': 'MsgPreVoteResp',
  'storage-append': 'MsgStorageAppend',
  'storage-append-response': 'MsgStorageAppendResp',
  'storage-apply': 'MsgStorageApply',
  'storage-apply-response': 'MsgStorageApplyResp',
  'forget-leader': 'MsgForgetLeader',
};

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  'pre-candidate': 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

export const PROGRESS_NAMES = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const;

export const TRANSITION_NAMES: Readonly<Record<ConfChangeTransition, string>> = {
  auto: 'ConfChangeTransitionAuto',
  'joint-implicit': 'ConfChangeTransitionJointImplicit',
  'joint-explicit': 'ConfChangeTransitionJointExplicit',
};

export const CHANGE_NAMES: Readonly<Record<ConfChangeType, string>> = {
  'add-voter': 'ConfChangeAddNode',
  'add-learner': 'ConfChangeAddLearnerNode',
  remove: 'ConfChangeRemoveNode',
  update: 'ConfChangeUpdateNode',
};

/** The letters by which transcripts write changes: `v1 l2 r3 u4`. */
export const CHANGE_LETTERS: Readonly<Record<ConfChangeType, string>> = {
  'add-voter': 'v',
  'add-learner': 'l',
  remove: 'r',
  update: 'u',
};

export const ERROR_TEXTS: Partial<Record<CoreErrorCode, string>> = {
  'proposal-dropped': 'raft proposal dropped',
  'step-local-message': 'raft: cannot step raft local message',
  'step-peer-not-found': 'raft: cannot step as peer not found',
};

export function idText(id: NodeId): string {
  if (id === LOCAL_APPEND_THREAD) return 'AppendThread';
  if (id === LOCAL_APPLY_THREAD) return 'ApplyThread';
  return id.toString(16);
}

/** A message's sender or receiver, where nobody has a name too. */
export function targetText(id: NodeId): string {
  return id === 0 ? 'None' : idText(id);
}
