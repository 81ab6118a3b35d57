import type { ExchangeMessagesRequest, ExchangeMessagesResponse } from '@cell/proto';
import type { TransportEvents } from '@cell/raft';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';
import { type MemberCall, type PeerIdentity, removedError } from './peer-identity.ts';
import { readMessages } from './read-messages.ts';

type Call = ServerDuplexStream<ExchangeMessagesRequest, ExchangeMessagesResponse>;

export interface IncomingMessagesParts {
  readonly identity: PeerIdentity;
  readonly log: Logger;
  readonly raft: TransportEvents;
  readonly caller: (call: MemberCall) => number;
  /** A peer opened its stream to us: it is up, and can be called too. */
  readonly onPeerUp?: (peer: number) => void;
}

/** The peers' streams of Raft messages to this member: one each, a newer one replaces an older. */
export class IncomingMessages {
  readonly #parts: IncomingMessagesParts;
  readonly #calls = new Map<number, Call>();

  constructor(parts: IncomingMessagesParts) {
    this.#parts = parts;
    parts.identity.directory.listen(() => this.#endRemoved());
  }

  accept(call: Call): void {
    let from: number;
    try {
      from = this.#parts.caller(call);
    } catch (error) {
      call.emit('error', toServiceError(error));
      return;
    }
    this.#calls.get(from)?.end();
    this.#calls.set(from, call);
    const gone = () => {
      if (this.#calls.get(from) === call) this.#calls.delete(from);
    };
    call.on('data', ({ frame }: ExchangeMessagesRequest) => {
      if (this.#calls.get(from) === call) this.#take(call, from, frame);
    });
    call.on('end', () => {
      gone();
      call.end();
    });
    call.on('cancelled', gone);
    call.on('error', gone);
    // Tells the sender that it may begin: what it writes before may be lost.
    call.sendMetadata(new GrpcMetadata());
    this.#parts.onPeerUp?.(from);
  }

  /** Tells those that were removed, who learn of it from nobody else: nothing is sent to them any more. */
  #endRemoved(): void {
    for (const [from, call] of this.#calls) {
      if (!this.#parts.identity.directory.removed(from)) continue;
      this.#calls.delete(from);
      call.emit('error', toServiceError(removedError(from, 'it was removed from the control plane')));
    }
  }

  /** A frame that makes no sense ends the stream; the sender's Raft sends again what was lost. */
  #take(call: Call, from: number, frame: Uint8Array): void {
    try {
      const messages = readMessages(frame);
      const stray = messages.find((message) => message.from !== from || message.to !== this.#parts.identity.memberId);
      if (stray !== undefined) {
        throw new CellError(
          'CELL_E_INVALID',
          `Message from "${stray.from}" to "${stray.to}" came from member "${from}"`,
        );
      }
      this.#parts.raft.onMessages(messages);
    } catch (error) {
      this.#parts.log.error(
        { peer: from, err: error },
        `Ended the stream from member ${from}: ${(error as Error).message}`,
      );
      call.emit('error', toServiceError(error));
    }
  }
}
