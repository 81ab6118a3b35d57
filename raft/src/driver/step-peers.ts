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
