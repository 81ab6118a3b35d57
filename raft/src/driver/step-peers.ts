import { CoreError, type Message, type RawNode } from '../core/index.ts';

/**
 * Takes in a peer's message. What a peer can get wrong is dropped; a broken invariant is not its fault, and neither is a
 * log of ours that lost what it acknowledged: with it we must neither vote nor answer (etcd 10166).
 */
export function stepPeers(node: RawNode, message: Message): void {
  try {
    node.step(message);
  } catch (error) {
    if (!(error instanceof CoreError) || error.code === 'log-lost') throw error;
  }
}

/**
 * Takes in what this member tells itself once that is durable. If it was removed meanwhile, there is nobody to take it
 * (etcd's `ErrStepPeerNotFound`).
 */
export function stepOwn(node: RawNode, message: Message): void {
  try {
    node.step(message);
  } catch (error) {
    if (!(error instanceof CoreError) || error.code !== 'step-peer-not-found') throw error;
  }
}
