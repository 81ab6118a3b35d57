import { decodeMessages, encodeMessages } from '../../codec/index.ts';
import type { Message, NodeId } from '../../core/index.ts';
import type { Transport, TransportEvents } from '../ports.ts';

/** Joins drivers of one process. Messages go through the codec and arrive in a later turn of the event loop. */
export class MemoryNetwork {
  readonly #members = new Map<NodeId, TransportEvents>();
  readonly #cut = new Set<string>();
  /** How many snapshots were sent and arrived. */
  snapshotsAccepted = 0;
  /** If set, snapshots break off after so many chunks. */
  snapshotChunksMax = Number.MAX_SAFE_INTEGER;

  join(id: NodeId, events: TransportEvents): void {
    this.#members.set(id, events);
  }

  leave(id: NodeId): void {
    this.#members.delete(id);
  }

  /** Nothing passes between the two, in either direction. */
  cut(a: NodeId, b: NodeId): void {
    this.#cut.add(`${a} ${b}`);
    this.#cut.add(`${b} ${a}`);
  }

  isolate(id: NodeId): void {
    for (const other of this.#members.keys()) if (other !== id) this.cut(id, other);
  }

  heal(): void {
    this.#cut.clear();
  }

  transportOf(from: NodeId): Transport {
    return {
      send: (messages) => {
        for (const [to, own] of Map.groupBy(messages, (message) => message.to)) {
          const bytes = encodeMessages(own);
          setImmediate(() => this.#deliver(from, to, bytes));
        }
      },
      sendSnapshot: async (message, data) => {
        const bytes = encodeMessages([message]);
        const target = this.#reach(from, message.to);
        const { content } = data;
        const breakable = (part: AsyncIterable<Uint8Array>) => this.#breakable(from, message.to, part);
        await target.onSnapshot(decodeMessages(bytes)[0] as Message, {
          [Symbol.asyncIterator]: () => breakable(data),
          content: content && { ...content, readFrom: (byte) => breakable(content.readFrom(byte)) },
        });
        this.snapshotsAccepted += 1;
      },
    };
  }

  #deliver(from: NodeId, to: NodeId, bytes: Uint8Array): void {
    if (this.#isCut(from, to)) this.#members.get(from)?.onUnreachable(to);
    else this.#members.get(to)?.onMessages(decodeMessages(bytes));
  }

  #isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(`${from} ${to}`) || !this.#members.has(to);
  }

  #reach(from: NodeId, to: NodeId): TransportEvents {
    const target = this.#members.get(to);
    if (target === undefined || this.#isCut(from, to)) throw new Error(`Member ${to} can't be reached`);
    return target;
  }

  async *#breakable(from: NodeId, to: NodeId, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let count = 0;
    for await (const chunk of data) {
      this.#reach(from, to);
      count += 1;
      if (count > this.snapshotChunksMax) throw new Error('Connection broke off');
      yield chunk.slice();
    }
  }
}
