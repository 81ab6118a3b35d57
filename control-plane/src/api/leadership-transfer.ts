/** Hands leadership over, and makes sure of it. */
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus, Leadership, Peers } from '../ports.ts';

export interface TransferParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  readonly clock: Clock;
}

const transferTimeoutMs = 5_000;
const peerTimeoutMs = transferTimeoutMs + 1_000;

/** From any member. `to` 0 means the most suitable follower. Gives the new leader. */
export async function transferLeadership(parts: TransferParts, to: number): Promise<number> {
  const { consensus, peers } = parts;
  if (to !== 0 && !peers.members.some((member) => member.id === to)) {
    const members = peers.members.map((member) => member.id).join(', ');
    throw new CellError('CELL_E_NOT_FOUND', `There is no member ${to}; the members are ${members}`);
  }
  const { leaderId, leading } = consensus.leadership;
  if (leaderId === 0) throw new CellError('CELL_E_NO_LEADER', 'There is no leader to take leadership over from');
  if (to === leaderId) return leaderId;
  return leading ? transferFromHere(parts, to) : peers.transfer(leaderId, to, peerTimeoutMs);
}

/** On the leader only; throws `CELL_E_NOT_LEADER` elsewhere. */
export async function transferFromHere({ consensus, clock }: TransferParts, to: number): Promise<number> {
  const { leading, term } = consensus.leadership;
  if (!leading) throw new CellError('CELL_E_NOT_LEADER', `Member ${consensus.memberId} is not the leader`);
  const target = to === 0 ? mostSuitable(consensus) : to;
  if (target === consensus.memberId) return target;
  await consensus.transferLeadership(target, transferTimeoutMs);
  const leaderId = await nextLeader(consensus, clock, term);
  if (leaderId === target) return leaderId;
  const message = `Member ${leaderId} became the leader instead of member ${target}; try again`;
  throw new CellError('CELL_E_CONFLICT', message);
}

/** The active voter that has the most of the log. */
function mostSuitable(consensus: Consensus): number {
  const others = consensus.status().members.filter((member) => member.id !== consensus.memberId && !member.learner);
  const active = others.filter((member) => member.recentlyActive).sort((a, b) => b.match - a.match || a.id - b.id);
  const [best] = active;
  if (best !== undefined) return best.id;
  const message = 'No other member can be reached to lead; see "cellctl control-plane status"';
  throw new CellError('CELL_E_PEER_UNREACHABLE', message);
}

function nextLeader(consensus: Consensus, clock: Clock, termBefore: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const known = ({ leaderId, term }: Leadership) => leaderId !== 0 && term > termBefore;
    const settle = () => {
      stopListening();
      stopWaiting();
    };
    const stopListening = consensus.onLeadership((leadership) => {
      if (!known(leadership)) return;
      settle();
      resolve(leadership.leaderId);
    });
    const stopWaiting = clock.after(transferTimeoutMs, () => {
      settle();
      reject(new CellError('CELL_E_TIMEOUT', `No new leader is known after ${transferTimeoutMs / 1_000} s`));
    });
    if (!known(consensus.leadership)) return;
    settle();
    resolve(consensus.leadership.leaderId);
  });
}
