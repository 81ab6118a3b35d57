import type { ProgressView } from '../core/index.ts';
import type { ConfChange, ConfState, MessageType, NodeId, Role, TraceEvent } from '../core/types.ts';
import { confChangeText, membershipText } from './conf-change-text.ts';
import { confStateText } from './message-text.ts';
import { idText, MESSAGE_NAMES, ROLE_NAMES } from './names.ts';
import { progressText } from './progress-text.ts';

/** The reference's log lines, by the kind of our trace events. Fields are in braces. */
const TEMPLATES: Readonly<Record<string, string>> = {
  started:
    'newRaft {id} [peers: [{peers}], term: {term}, commit: {committed}, applied: {applied}, lastindex: {lastIndex}, lastterm: {lastTerm}]',
  'conf-switched': '{id} switched to configuration {conf}',
  'conf-change-ignored': '{id} ignoring conf change {change} at config {conf}: {reason}',
  // Only ours: the reference ends the process here.
  'conf-change-skipped': '{id} skipping conf change {change} at config {conf}: {reason}',
  'auto-leave-proposed': 'initiating automatic transition out of joint configuration {conf}',
  'auto-leave-dropped': 'not initiating automatic transition out of joint configuration {conf}: raft proposal dropped',

  'became-follower': '{id} became follower at term {term}',
  'became-pre-candidate': '{id} became pre-candidate at term {term}',
  'became-candidate': '{id} became candidate at term {term}',
  'became-leader': '{id} became leader at term {term}',

  'campaign-started': '{id} is starting a new election at term {term}',
  'campaign-already-leader': '{id} ignoring MsgHup because already leader',
  'campaign-unpromotable': '{id} is unpromotable and can not campaign',
  'campaign-unapplied-conf-change':
    '{id} cannot campaign at term {term} since there are still pending configuration changes to apply',
  'vote-requested': '{id} [logterm: {logTerm}, index: {index}] sent {type} request to {to} at term {term}',
  'vote-received': '{id} received {type}{granted} from {from} at term {term}',
  'vote-tally': '{id} has received {granted} {type} votes and {rejected} vote rejections',
  'vote-cast':
    '{id} [logterm: {logTerm}, index: {index}, vote: {vote}] cast {type} for {from} [logterm: {theirLogTerm}, index: {theirIndex}] at term {term}',
  'vote-rejected':
    '{id} [logterm: {logTerm}, index: {index}, vote: {vote}] rejected {type} from {from} [logterm: {theirLogTerm}, index: {theirIndex}] at term {term}',
  'vote-ignored-lease':
    '{id} [logterm: {logTerm}, index: {index}, vote: {vote}] ignored {type} from {from} [logterm: {theirLogTerm}, index: {theirIndex}] at term {term}: lease is not expired (remaining ticks: {leaseTicks})',
  // Only ours: the reference does not commit by vote.
  'committed-by-vote': '{id} committed index {index} by a vote message from {from}',
  'higher-term': '{id} [term: {term}] received a {type} message with higher term from {from} [term: {theirTerm}]',
  'lower-term-ignored': '{id} [term: {term}] ignored a {type} message with lower term from {from} [term: {theirTerm}]',
  'stale-storage-append':
    '{id} [term: {term}] ignored entry appends from a {type} message with lower term [term: {theirTerm}]',
  'quorum-inactive': '{id} stepped down to follower since quorum is not active',

  'proposal-dropped-no-leader': '{id} no leader at term {term}; dropping proposal',
  'proposal-not-forwarded': '{id} not forwarding to leader {leader} at term {term}; dropping proposal',
  'proposal-dropped-transfer': '{id} [term {term}] transfer leadership to {to} is in progress; dropping proposal',
  'uncommitted-size-exceeded':
    '{id} appending new entries to log would exceed uncommitted entry size limit; dropping proposal',

  'transfer-dropped-no-leader': '{id} no leader at term {term}; dropping leader transfer msg',
  'transfer-to-learner': '{id} is learner. Ignored transferring leadership',
  'transfer-in-progress':
    '{id} [term {term}] transfer leadership to {to} is in progress, ignores request to same node {to}',
  'transfer-aborted': '{id} [term {term}] abort previous transferring leadership to {to}',
  'transfer-to-self': '{id} is already leader. Ignored transferring leadership to self',
  'transfer-started': '{id} [term {term}] starts to transfer leadership to {to}',
  'transfer-timeout-now': '{id} sends MsgTimeoutNow to {to} immediately as {to} already has up-to-date log',
  'transfer-timeout-now-after-append': '{id} sent MsgTimeoutNow to {to} after received MsgAppResp',
  'timeout-now-received':
    '{id} [term {term}] received MsgTimeoutNow from {from} and starts an election to get leadership.',
  'timeout-now-ignored': '{id} [term {term} state {role}] ignored MsgTimeoutNow from {from}',
  'read-dropped-no-leader': '{id} no leader at term {term}; dropping index reading msg',
  'forgetting-leader': '{id} forgetting leader {leader} at term {term}',
  'forget-leader-refused': 'ignoring MsgForgetLeader due to ReadOnlyLeaseBased',

  'append-rejected':
    '{id} [logterm: {ourTerm}, index: {index}] rejected MsgApp [logterm: {logTerm}, index: {index}] from {from}',
  'append-response-rejected':
    '{id} received MsgAppResp(rejected, hint: (index {rejectHint}, term {logTerm})) from {from} for index {index}',
  'progress-decreased': '{id} decreased progress of {from} to [{progress}]',
  'no-progress': '{id} no progress available for {from}',
  'peer-unreachable': '{id} failed to send message to {from} because it is unreachable [{progress}]',
  'replication-paused': '{id} paused sending replication messages to {to} [{progress}]',

  'snapshot-sent':
    '{id} [firstindex: {firstIndex}, commit: {committed}] sent snapshot[index: {index}, term: {term}] to {to} [{progress}]',
  'snapshot-not-sent-inactive': 'ignore sending snapshot to {to} since it is not recently active',
  'snapshot-unavailable': '{id} failed to send snapshot to {to} because snapshot is temporarily unavailable',
  // Only ours: the reference sends a snapshot that its receiver will refuse.
  'snapshot-lacks-member': '{id} not sending snapshot[index: {index}] to {to}, who is not in it',
  'snapshot-succeeded': '{id} snapshot succeeded, resumed sending replication messages to {from} [{progress}]',
  'snapshot-failed': '{id} snapshot failed, resumed sending replication messages to {from} [{progress}]',
  'snapshot-recovered':
    '{id} recovered from needing snapshot, resumed sending replication messages to {from} [{progress}]',
  'snapshot-restore-as-leader': '{id} attempted to restore snapshot as leader; should never happen',
  'snapshot-restore-not-member':
    '{id} attempted to restore snapshot but it is not in the ConfState {confState}; should never happen',
  'snapshot-fast-forward':
    '{id} [commit: {committed}, lastindex: {lastIndex}, lastterm: {lastTerm}] fast-forwarded commit to snapshot [index: {index}, term: {term}]',
  'snapshot-restored':
    '{id} [commit: {committed}, lastindex: {lastIndex}, lastterm: {lastTerm}] restored snapshot [index: {index}, term: {term}]',
  'snapshot-accepted': '{id} [commit: {committed}] restored snapshot [index: {index}, term: {term}]',
  'snapshot-ignored': '{id} [commit: {committed}] ignored snapshot [index: {index}, term: {term}]',

  'log-restore':
    'log [committed={committed}, applied={applied}, applying={applying}, unstable.offset={unstableOffset}, unstable.offsetInProgress={unstableOffsetInProgress}, len(unstable.Entries)={unstableCount}] starts to restore snapshot [index: {index}, term: {term}]',
  'log-conflict': 'found conflict at index {index} [existing term: {existingTerm}, conflicting term: {term}]',
  'unstable-replaced': 'replace the unstable entries from index {index}',
  'unstable-truncated': 'truncate the unstable entries before index {index}',
  'unstable-entry-missing': 'entry at index {index} missing from unstable log; ignoring',
  'unstable-entry-is-snapshot': 'entry at index {index} matched unstable snapshot; ignoring',
  'unstable-entry-replaced':
    'entry at (index,term)=({index},{term}) mismatched with entry at ({index},{ourTerm}) in unstable log; ignoring',
};

export function traceText(event: TraceEvent): string {
  const template = TEMPLATES[event.kind];
  if (template === undefined) throw new Error(`Trace event '${event.kind}' has no text`);
  return template.replaceAll(/\{(\w+)\}/g, (_, field: string) => fieldText(event, field));
}

function fieldText(event: TraceEvent, field: string): string {
  const value = event[field];
  switch (field) {
    case 'id':
    case 'from':
    case 'to':
    case 'leader':
    case 'vote':
      return idText(value as NodeId);
    case 'type':
      return MESSAGE_NAMES[value as MessageType];
    case 'role':
      return ROLE_NAMES[value as Role];
    case 'conf':
      return membershipText(value as ConfState);
    case 'confState':
      return confStateText(event['conf'] as ConfState);
    case 'change':
      return confChangeText(value as ConfChange);
    case 'progress':
      return progressText(value as ProgressView);
    case 'peers':
      return peersText(event);
    case 'granted':
      // A single vote says whether it was one; a tally counts them.
      if (typeof value === 'boolean') return value ? '' : ' rejection';
      return String(value);
    default:
      return String(value);
  }
}

function peersText(event: TraceEvent): string {
  const voters = event['voters'] as NodeId[];
  const outgoing = event['votersOutgoing'] as NodeId[];
  return [...new Set([...voters, ...outgoing])]
    .sort((a, b) => a - b)
    .map(idText)
    .join(',');
}
