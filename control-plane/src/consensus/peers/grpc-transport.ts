import { encodeMessages, type Message, type NodeId, type SnapshotData, type Transport } from '@cell/raft';
import type { Logger } from 'pino';
import type { CellError } from '../../cell-error.ts';
import type { Clock } from '../../ports.ts';
import { MessageStream } from './message-stream.ts';
import type { PeerChannels, PeerSecurity } from './peer-channels.ts';
import type { PeerIdentity } from './peer-identity.ts';
import { sendSnapshot } from './send-snapshot.ts';

/**
 * After a renewal of certificates streams are made anew within so long, at random: not all at once, so that a leader
 * keeps a majority meanwhile.
 */
const RENEWAL_SPREAD_MS = 2000;

/** Bytes of entries after which a frame is closed: a frame must stay well below the size of a gRPC message. */
const FRAME_ENTRY_BYTES_MAX = 4 * 1024 * 1024;

export interface GrpcTransportParts {
  readonly identity: PeerIdentity;
  readonly security: PeerSecurity;
  readonly channels: PeerChannels;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** A peer says that this member was removed. */
  readonly onRemoved?: ((error: CellError) => void) | undefined;
}

/** Carries Raft's messages: all that one turn of the event loop has for a peer goes in one frame. */
export class GrpcTransport implements Transport {
  readonly #parts: GrpcTransportParts;
  readonly #streams = new Map<NodeId, MessageStream>();
  readonly #queues = new Map<NodeId, Message[]>();
  #onUnreachable: (peer: NodeId) => void = () => {};
  #flushDue = false;
  readonly #stops: (() => void)[];

  constructor(parts: GrpcTransportParts) {
    this.#parts = parts;
    this.#stops = [
      parts.identity.directory.listen(() => this.#matchDirectory()),
      parts.security.onRenewal(() => this.#renew()),
    ];
    this.#matchDirectory();
  }

  /** Whom to tell about messages that were dropped. */
  reportTo(onUnreachable: (peer: NodeId) => void): void {
    this.#onUnreachable = onUnreachable;
  }

  connected(peer: NodeId): boolean {
    return this.#streams.get(peer)?.ready ?? false;
  }

  /** Why members can't be reached: sentences. */
  get problems(): readonly string[] {
    return [...this.#streams.values()].map(({ problem }) => problem).filter((problem) => problem !== '');
  }

  /** Bytes that the connection to the peer has not taken yet. */
  bufferedBytes(peer: NodeId): number {
    return this.#streams.get(peer)?.bufferedBytes ?? 0;
  }

  /** The peer has just called us. */
  peerIsUp(peer: NodeId): void {
    this.#streams.get(peer)?.peerIsUp();
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const queue = this.#queues.get(message.to);
      if (queue === undefined) this.#queues.set(message.to, [message]);
      else queue.push(message);
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    queueMicrotask(() => this.#flush());
  }

  async sendSnapshot(message: Message, { content }: SnapshotData): Promise<void> {
    if (content === undefined) throw new Error('Snapshot without a known content can not be sent');
    const client = this.#parts.channels.client(message.to);
    await sendSnapshot({ client, identity: this.#parts.identity, clock: this.#parts.clock, message, content });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const stream of this.#streams.values()) stream.close();
    this.#queues.clear();
  }

  /** A stream to every other member: to new ones it is begun, to removed or moved ones it is ended. */
  #matchDirectory(): void {
    const { identity } = this.#parts;
    const { members } = identity.directory;
    for (const [id, stream] of this.#streams) {
      if (members.some((member) => member.id === id && member.peers === stream.address)) continue;
      this.#streams.delete(id);
      stream.close();
    }
    for (const peer of members) {
      if (peer.id === identity.memberId || peer.peers === '' || this.#streams.has(peer.id)) continue;
      this.#streams.set(peer.id, new MessageStream({ ...this.#parts, peer }));
    }
  }

  #renew(): void {
    const { clock, random } = this.#parts;
    for (const stream of this.#streams.values()) clock.after(random() * RENEWAL_SPREAD_MS, () => stream.renew());
  }

  #flush(): void {
    this.#flushDue = false;
    const queues = [...this.#queues];
    this.#queues.clear();
    for (const [peer, messages] of queues) {
      const stream = this.#streams.get(peer);
      // Encoding for a peer that is away would be work for nothing.
      const dropped = stream === undefined || !stream.ready || !frames(messages).every((frame) => !stream.send(frame));
      if (dropped) this.#onUnreachable(peer);
    }
  }
}

/** As few frames as the limit allows; nearly always one. Each is made when it is wanted: a full stream takes no more. */
function* frames(messages: readonly Message[]): Generator<Uint8Array> {
  let first = 0;
  let bytes = 0;
  for (const [place, message] of messages.entries()) {
    for (const entry of message.entries) bytes += entry.data.length;
    if (bytes < FRAME_ENTRY_BYTES_MAX && place < messages.length - 1) continue;
    yield encodeMessages(messages.slice(first, place + 1));
    first = place + 1;
    bytes = 0;
  }
}
