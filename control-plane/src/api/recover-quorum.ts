/** Recovery from a lost quorum: carried out by the survivor, whichever member is asked. */
import { CellError } from '../cell-error.ts';
import type { Peers, Recovery, RecoveryOrder, RecoveryOutcome } from '../ports.ts';

export interface RecoverParts {
  readonly consensus: { readonly memberId: number };
  readonly peers: Pick<Peers, 'members' | 'recover'>;
  readonly recovery: Recovery;
  readonly clusterName: string;
}

/** Only tells what it would do, unless the cluster's name confirms it. */
export function recoverQuorum(parts: RecoverParts, order: RecoveryOrder, timeoutMs: number): Promise<RecoveryOutcome> {
  const { consensus, peers } = parts;
  const { survivor } = order;
  if (survivor === consensus.memberId) return recoverHere(parts, order);
  if (peers.members.some(({ id }) => id === survivor)) return peers.recover(survivor, order, timeoutMs);
  const members = peers.members.map(({ id }) => id).join(', ');
  throw new CellError('CELL_E_NOT_FOUND', `There is no member ${survivor}; the members are ${members}`);
}

/** On the survivor; throws `CELL_E_INVALID` elsewhere, and for another cluster's name. */
export async function recoverHere(parts: RecoverParts, order: RecoveryOrder): Promise<RecoveryOutcome> {
  const { consensus, recovery, clusterName } = parts;
  const { survivor, confirmCluster, force } = order;
  if (survivor !== consensus.memberId) {
    throw new CellError('CELL_E_INVALID', `Member ${survivor} is to survive, and this is member ${consensus.memberId}`);
  }
  if (confirmCluster === '') return { ...(await recovery.plan(force)), started: false };
  if (confirmCluster !== clusterName) {
    const message = `This is cluster "${clusterName}", not "${confirmCluster}"; nothing was done`;
    throw new CellError('CELL_E_INVALID', message);
  }
  return { ...(await recovery.run(force)), started: true };
}
