import type { Message, NodeId, Snapshot } from '../core/index.ts';
import { isDiskFull } from './disk-full.ts';
import { noteFailure } from './note-failure.ts';
import { type LogStore, RaftError, type SnapshotData, SnapshotMismatch } from './ports.ts';

export interface SnapshotReceiverParts {
  readonly id: NodeId;
  readonly store: LogStore;
  /** False if the core would not take it, so that its data need not be read. */
  readonly wanted: (message: Message, snapshot: Snapshot) => boolean;
  /** One that was received before is still being put in force. */
  readonly installing: () => boolean;
  /** Gives the message to the core. */
  readonly step: (message: Message) => void;
  readonly onError: (error: Error) => void;
}

/** Takes in snapshots from peers, one at a time: data to the store, then the message to the core. */
export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  #receiving = false;

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  async receive(message: Message, data: SnapshotData): Promise<void> {
    const { id, store, wanted, installing, step } = this.#parts;
    const { snapshot } = message;
    if (snapshot === undefined || message.to !== id) throw new RangeError('Snapshot message is not for us');
    if (this.#receiving || installing()) throw new RaftError('overloaded', 'Another snapshot is being received');
    if (!wanted(message, snapshot)) {
      // The core says so to the sender, who goes on from where we are.
      step(message);
      return;
    }
    if (store.disk === 'full') throw new RaftError('disk-full', `Disk of member ${id} has no room for a snapshot`);
    this.#receiving = true;
    try {
      step({ ...message, snapshot: await this.#store(snapshot, data) });
    } finally {
      this.#receiving = false;
    }
  }

  /** A stream that breaks off is the sender's trouble, and without room it may try again; a store that fails is the end. */
  async #store(snapshot: Snapshot, data: SnapshotData): Promise<Snapshot> {
    let streamFailed = false;
    const noted = noteFailure(data, () => {
      streamFailed = true;
    });
    try {
      return await this.#parts.store.receiveSnapshot(snapshot.meta, noted);
    } catch (error) {
      if (!streamFailed && !isDiskFull(error) && !(error instanceof SnapshotMismatch))
        this.#parts.onError(error as Error);
      throw error;
    }
  }
}
