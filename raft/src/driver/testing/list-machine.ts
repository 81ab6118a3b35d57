import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfState, Entry, SnapshotMeta } from '../../core/index.ts';
import type { StateMachine } from '../ports.ts';

/** A state machine that remembers everything; the result of an entry is its place in the list. */
export class ListMachine implements StateMachine {
  items: string[] = [];
  /** Sizes of the batches that were applied. */
  batches: number[] = [];
  members: ConfState | undefined;
  membershipContexts: string[] = [];
  restoredAt = 0;
  /** If set, applying this item throws. */
  poison: string | undefined;

  apply(entries: readonly Entry[]): readonly unknown[] {
    this.batches.push(entries.length);
    return entries.map((entry) => {
      const item = Buffer.from(entry.data).toString();
      if (item === this.poison) throw new Error(`Can't apply "${item}"`);
      return this.items.push(item);
    });
  }

  applyMembership(conf: ConfState, _index: number, context: Uint8Array): void {
    this.members = conf;
    this.membershipContexts.push(Buffer.from(context).toString());
  }

  capture(): AsyncIterable<Uint8Array> {
    // Not inside the generator: that runs only when it is first read.
    const bytes = Buffer.from(JSON.stringify(this.items));
    return slices(bytes);
  }

  async restore(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of data) chunks.push(chunk);
    this.items = JSON.parse(Buffer.concat(chunks).toString()) as string[];
    this.restoredAt = meta.index;
  }
}

/** Small ones, but not very many. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const size = Math.max(100, Math.ceil(bytes.length / 100));
  for (let at = 0; at < bytes.length; at += size) {
    await nextTurn();
    yield bytes.subarray(at, at + size);
  }
}
