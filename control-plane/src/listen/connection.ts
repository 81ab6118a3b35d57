import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CellError } from '../cell-error.ts';
import type { ConnectionFacts } from '../ports.ts';
import type { CutReason } from './listen-metrics.ts';
import { peerName, plainAddress } from './peer-address.ts';

/** One whose handshake could not begin, since there were so many, ends after so long: who made it has given up. */
const HELD_MS_MAX = 10_000;
/** A connection on which no call was made, and that came without a certificate, ends after so long. */
const UNUSED_MS_MAX = 60_000;
/** One that is refused is kept so long to tell why, in answer to its calls. */
const REFUSED_MS_MAX = 5_000;
/** One whose certificate had ended when it came may renew it, within so long. */
const RENEWAL_MS_MAX = 60_000;
/** Others end so long after their certificate: whoever renewed at the last moment comes with another one first. */
const ENDED_MS_MAX = 10_000;

/** A connection, and what is known of who made it. */
export class Connection {
  /** "address:port" of the other side as grpc-js names it; undefined if it has gone already. */
  readonly key: string | undefined;
  /** Without its port. */
  readonly address: string;
  readonly #raw: Socket;
  readonly #begin: () => void;
  #socket: TLSSocket | undefined;
  #trusting: unknown;
  #begun = false;
  #openedAtMs: number;
  #endsAtMs: number | undefined;
  #facts: ConnectionFacts | undefined;
  #refusal: CellError | undefined;
  /** Whether a call was made on it. */
  used = false;

  /** `begin`: has its handshake begin. `nowMs`: monotonic. */
  constructor(raw: Socket, begin: () => void, nowMs: number) {
    this.#raw = raw;
    this.#begin = begin;
    this.#openedAtMs = nowMs;
    this.address = plainAddress(raw.remoteAddress ?? '');
    this.key = peerName(raw);
  }

  /** Undefined before its handshake is done, and if it is refused. */
  get facts(): ConnectionFacts | undefined {
    return this.#facts;
  }

  /** What its calls are answered with. */
  get refusal(): CellError | undefined {
    return this.#refusal;
  }

  /** Whether its handshake is done. */
  get open(): boolean {
    return this.#socket !== undefined;
  }

  /** What `begin` was given. */
  get trusting(): unknown {
    return this.#trusting;
  }

  /** Once; one that has ended meanwhile does not begin. `trusting`: the authorities that its handshake goes by. */
  begin(trusting: unknown): void {
    this.#begun = true;
    this.#trusting = trusting;
    if (!this.#raw.destroyed) this.#begin();
  }

  onClose(listener: () => void): void {
    this.#raw.once('close', listener);
  }

  /** `nowMs`: monotonic. */
  opened(socket: TLSSocket, nowMs: number): void {
    this.#socket = socket;
    this.#openedAtMs = nowMs;
  }

  refuse(error: CellError): void {
    this.#refusal = error;
  }

  /** `nowMs`: wall clock. */
  proven(facts: ConnectionFacts, nowMs: number): void {
    this.#facts = facts;
    if (facts.subject === undefined) return;
    const ended = facts.expiresAtMs < nowMs;
    this.#endsAtMs = ended ? nowMs + RENEWAL_MS_MAX : facts.expiresAtMs + ENDED_MS_MAX;
  }

  /** Why it has to end now. */
  overReason(wallMs: number, monotonicMs: number): CutReason | undefined {
    const ageMs = monotonicMs - this.#openedAtMs;
    if (!this.#begun) return ageMs > HELD_MS_MAX ? 'held' : undefined;
    // Now the time that a handshake may take counts.
    if (!this.open) return undefined;
    if (this.#refusal !== undefined) return ageMs > REFUSED_MS_MAX ? 'refused' : undefined;
    if (this.#endsAtMs !== undefined) return wallMs > this.#endsAtMs ? 'certificate-ended' : undefined;
    return !this.used && ageMs > UNUSED_MS_MAX ? 'unused' : undefined;
  }

  destroy(): void {
    this.#socket?.destroy();
    this.#raw.destroy();
  }
}
