import type { Message, NodeId } from '../core/index.ts';
import { noteFailure } from './note-failure.ts';
import type { LogStore, Transport } from './ports.ts';

export interface SnapshotSenderParts {
  readonly store: LogStore;
  readonly transport: Transport;
  /** Every snapshot gets its report: without one the core would send that peer nothing else, for ever. */
  readonly report: (peer: NodeId, accepted: boolean) => void;
  /** Our own snapshot can't be read. */
  readonly onError: (error: Error) => void;
}

/** Sends snapshots in the background, to each peer one at a time. */
export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  /** Peers that are being sent one; true if the core asked for another meanwhile. */
  readonly #sending = new Map<NodeId, boolean>();

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
  }

  send(message: Message): void {
    const peer = message.to;
    if (this.#sending.has(peer)) {
      // The core has begun anew (another term). The one under way ends first, and counts as a failure: then the core
      // finds out where the peer stands, and asks again if that is still needed.
      this.#sending.set(peer, true);
      return;
    }
    this.#sending.set(peer, false);
    void this.#send(peer, message);
  }

  async #send(peer: NodeId, message: Message): Promise<void> {
    const { store, transport, report, onError } = this.#parts;
    let own: Error | undefined;
    let accepted = false;
    try {
      const { snapshot } = message;
      if (snapshot === undefined) throw new Error('Snapshot message carries no snapshot');
      const ownFailed = (error: Error) => {
        own = error;
      };
      const stored = await store.openSnapshot(snapshot).catch((error: Error) => {
        ownFailed(error);
        throw error;
      });
      await transport.sendSnapshot(
        message,
        noteFailure(stored, (error) => {
          if (!isSuperseded(error)) ownFailed(error);
        }),
      );
      accepted = true;
    } catch {
      // Whatever happened on the way: the report says it, and the core tries again.
    }
    const superseded = this.#sending.get(peer) === true;
    this.#sending.delete(peer);
    if (own !== undefined) onError(own);
    else report(peer, accepted && !superseded);
  }
}

/** The peer took so long to say what it needs that newer snapshots came: it will be sent the newest. */
function isSuperseded(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === 'CELL_E_SNAPSHOT_MISSING';
}
