/** Why a member puts nothing into the log, as errors for those who asked it to. */
import { type BasicStatus, CoreError, type NodeId, type ProposalPlace } from '../core/index.ts';
import { RaftError } from './ports.ts';

/** `leader`: 0 if nobody is known. */
export function notLeader(own: NodeId, leader: NodeId): RaftError {
  const known = leader === 0 || leader === own ? 'no leader is known' : `member ${leader} leads`;
  return new RaftError('not-leader', `Member ${own} does not lead: ${known}`, leader);
}

export function diskFull(own: NodeId, leader: NodeId): RaftError {
  return new RaftError('disk-full', `Disk of member ${own} is full. Make room on it, or ask another member`, leader);
}

/** The log has grown too long while a snapshot is being made. */
export function logOverfull(own: NodeId): RaftError {
  const message = `Log of member ${own} fills the memory that it may, until a snapshot is made. Try again later`;
  return new RaftError('overloaded', message);
}

/** Puts something into the leader's log; throws a `RaftError` if the core does not take it. `status`: as it is afterwards. */
export function appended(propose: () => ProposalPlace | undefined, status: () => BasicStatus): ProposalPlace {
  try {
    const place = propose();
    if (place !== undefined) return place;
  } catch (error) {
    if (!(error instanceof CoreError) || error.code !== 'proposal-dropped') throw error;
    const { role, transferee, leader } = status();
    if (role === 'leader' && transferee !== 0) {
      throw new RaftError('not-leader', `Leadership is being handed to member ${transferee}`, transferee);
    }
    if (role === 'leader') {
      throw new RaftError('overloaded', 'Too much is waiting to be committed. Try again later', leader);
    }
  }
  const { id, leader } = status();
  throw notLeader(id, leader);
}
