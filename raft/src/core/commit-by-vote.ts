import type { MessageDraft } from './message.ts';
import type { Raft } from './raft.ts';
import { becomeFollower } from './roles.ts';
import type { Message } from './types.ts';
import { hasUnappliedConfChange } from './unapplied-conf-change.ts';

/*
 * Membership changes take effect when they are applied. So it can happen that those who know of a committed change
 * can't win (their voters' logs are longer), and those who could win don't know of it and ask the wrong voters: all
 * are up, and nobody leads (etcd issue 12359; the answer is raft-rs's). Telling the commit index in vote messages
 * resolves it. It is safe: if our entry at that index has the term that the sender's has, our logs are equal up to
 * there, and what is committed there is committed here.
 */

/** Adds to a vote message what we know to be committed. */
export function stampCommit(raft: Raft, message: MessageDraft): void {
  if (!raft.config.commitByVote) return;
  message.commit = raft.log.committed;
  message.rejectHint = raft.log.term(raft.log.committed) ?? 0;
}

/** Learns from a vote message that more is committed than we knew. */
export function commitByVote(raft: Raft, message: Message): void {
  if (!raft.config.commitByVote || raft.role === 'leader') return;
  if (!raft.log.maybeCommit(message.commit, message.rejectHint)) return;
  raft.trace({ level: 'info', kind: 'committed-by-vote', id: raft.id, from: message.from, index: message.commit });
  const campaigning = raft.role === 'candidate' || raft.role === 'pre-candidate';
  // The campaign counts the wrong voters if what we have just learned changes the membership.
  if (campaigning && hasUnappliedConfChange(raft)) becomeFollower(raft, raft.term, 0);
}
