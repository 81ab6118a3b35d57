import { connectionProblem, explainedSkew, withoutTimes } from '@cell/identity';
import {
  type ExchangeMessagesRequest,
  type ExchangeMessagesResponse,
  methodDefinition,
  PeerService,
} from '@cell/proto';
import { Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { CellError } from '../../cell-error.ts';
import { answeredError } from '../../grpc-error.ts';
import type { Clock, MemberAddress } from '../../ports.ts';
import { peerChannelOptions } from './channel-options.ts';
import { failureReason } from './failure-reason.ts';
import type { PeerSecurity } from './peer-channels.ts';
import { identityMetadata, type PeerIdentity } from './peer-identity.ts';

/** How long a peer may take to accept a new stream; it also bounds how long a dead link is dialled. */
const ACCEPT_MS_MAX = 1000;

/** Pause before the stream is dialled again: doubles from MIN to MAX while it fails, each less up to a half by chance. */
const REDIAL_MS_MIN = 50;
const REDIAL_MS_MAX = 1000;

/** Bytes handed over that the connection has not taken yet; above it frames are dropped. */
export const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;

type Call = ClientDuplexStream<{ frame: Uint8Array }, ExchangeMessagesResponse>;
type Refusal = 'not connected' | 'congested';

export interface MessageStreamParts {
  readonly identity: PeerIdentity;
  readonly security: PeerSecurity;
  readonly peer: MemberAddress;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** The peer says that this member was removed. */
  readonly onRemoved?: ((error: CellError) => void) | undefined;
}

/**
 * Our stream of Raft messages to one peer, kept up for as long as this member lives. What grpc-js is given before the
 * peer has accepted may vanish without a word; so nothing is written before its first metadata came, and each attempt
 * has a connection of its own.
 */
export class MessageStream {
  readonly #parts: MessageStreamParts;
  #client: Client | undefined;
  #call: Call | undefined;
  #ready = false;
  #bufferedBytes = 0;
  #failures = 0;
  #problem = '';
  #cancelTimer: () => void = () => {};
  #closed = false;

  constructor(parts: MessageStreamParts) {
    this.#parts = parts;
    this.#dial();
  }

  get address(): string {
    return this.#parts.peer.peers;
  }

  /** Why there is no connection: a sentence; empty while there is one, or nothing went wrong yet. */
  get problem(): string {
    return this.#problem;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Bytes handed over that the connection has not taken yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Takes a frame, or says why it dropped it. A frame that was taken may still be lost with the connection. */
  send(frame: Uint8Array): Refusal | undefined {
    const call = this.#call;
    if (!this.#ready || call === undefined) return 'not connected';
    if (this.#bufferedBytes + frame.length > BUFFERED_BYTES_MAX) return 'congested';
    this.#bufferedBytes += frame.length;
    call.write({ frame }, () => {
      if (this.#call === call) this.#bufferedBytes -= frame.length;
    });
    return undefined;
  }

  /** The peer is known to be up: an attempt that would come later is made now. */
  peerIsUp(): void {
    if (this.#call !== undefined || this.#closed) return;
    this.#cancelTimer();
    this.#dial();
  }

  /** This member has another certificate: the stream is made anew, at once. */
  renew(): void {
    if (this.#call === undefined) return;
    this.#drop();
    this.#dial();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #dial(): void {
    if (this.#closed) return;
    const { peer, identity, security, clock } = this.#parts;
    const client = new Client(peer.peers, security.peerCredentials(peer.id), peerChannelOptions);
    const method = methodDefinition(PeerService.method.exchangeMessages);
    const call = client.makeBidiStreamRequest<
      { frame: Uint8Array },
      ExchangeMessagesRequest | ExchangeMessagesResponse
    >(method.path, method.requestSerialize, method.responseDeserialize, identityMetadata(identity)) as Call;
    this.#client = client;
    this.#call = call;
    call.on('metadata', () => this.#accepted(call));
    call.on('error', (error: ServiceError) => {
      const answered = answeredError(error);
      if (answered?.code === 'CELL_E_REMOVED' && this.#call === call) this.#parts.onRemoved?.(answered);
      this.#failed(call, error);
    });
    call.on('end', () => this.#lost(call, 'it ended the stream'));
    // Nothing is sent on it, but a stream that nobody reads never says that it ended.
    call.resume();
    this.#cancelTimer = clock.after(ACCEPT_MS_MAX, () => this.#lost(call, `no answer in ${ACCEPT_MS_MAX} ms`));
  }

  #accepted(call: Call): void {
    if (this.#call !== call) return;
    this.#cancelTimer();
    this.#ready = true;
    this.#failures = 0;
    this.#problem = '';
    this.#parts.log.info({ peer: this.#parts.peer.id }, `Connected to member ${this.#parts.peer.id}`);
  }

  #failed(call: Call, error: ServiceError): void {
    const { peer, clock } = this.#parts;
    const reason = answeredError(error)?.message ?? failureReason(error, peer.peers);
    const skewed = connectionProblem(error, peer.peers)?.code === 'CELL_E_CLOCK_SKEW';
    if (skewed && answeredError(error) === undefined) {
      // It is over, and nothing else shall say why first.
      this.#cancelTimer();
      call.removeAllListeners('end');
      void explainedSkew(error, peer.peers, clock.wallMs()).then((skew) => this.#lost(call, skew?.message ?? reason));
    } else this.#lost(call, reason);
  }

  #lost(call: Call, reason: string): void {
    if (this.#call !== call) return;
    this.#drop();
    this.#logFailure(reason);
    const pauseMs = Math.min(REDIAL_MS_MIN * 2 ** this.#failures, REDIAL_MS_MAX) * (1 - this.#parts.random() / 2);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#cancelTimer = this.#parts.clock.after(pauseMs, () => this.#dial());
  }

  /** Once per reason: a peer that is down is dialled many times. */
  #logFailure(reason: string): void {
    const { id, peers } = this.#parts.peer;
    const told = withoutTimes(this.#problem);
    this.#problem = `Cannot reach member ${id} at "${peers}": ${reason}`;
    if (withoutTimes(this.#problem) !== told) this.#parts.log.warn({ peer: id, address: peers }, this.#problem);
  }

  #drop(): void {
    this.#cancelTimer();
    const [call, client] = [this.#call, this.#client];
    this.#call = undefined;
    this.#client = undefined;
    this.#ready = false;
    this.#bufferedBytes = 0;
    call?.cancel();
    client?.close();
  }
}
