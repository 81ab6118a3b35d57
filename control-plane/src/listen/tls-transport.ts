import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { channelCredentials, subjectText } from '@cell/identity';
import type { ChannelCredentials, Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { CellError } from '../cell-error.ts';
import type { Clock, ConnectionFacts, Listener, Transport } from '../ports.ts';
import { Connection } from './connection.ts';
import { judge, type TrustedAuthority, trustedAuthorities } from './connection-facts.ts';
import { type ConnectionLimitSettings, ConnectionLimits } from './connection-limits.ts';
import { addListenMetrics, type CutReason, type ListenMetrics, type RefusalReason } from './listen-metrics.ts';
import type { OwnIdentity } from './own-identity.ts';
import { peerName } from './peer-address.ts';
import { RefusalLog } from './refusal-log.ts';
import { type Door, TlsDoor } from './tls-door.ts';

export interface TransportSettings extends ConnectionLimitSettings {
  /** How long a handshake may take. */
  readonly handshakeMs: number;
  /** How long after its end a node's certificate is still good for renewing it. */
  readonly renewExpiredWithinMs: number;
}

export interface TlsTransportParts {
  readonly identity: OwnIdentity;
  readonly settings: TransportSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
}

/** How often it is looked for connections that have to end. */
const SWEEP_MS = 1000;

/**
 * TLS 1.3 on both of a member's ports (RFC 8446). Who connects is asked for a certificate and need not have one; what
 * it proves is found out once for each connection, and found again by the address and port that it came from.
 */
export class TlsTransport implements Transport {
  readonly #parts: TlsTransportParts;
  readonly #limits: ConnectionLimits<Connection>;
  /** By "address:port" of the other side, as grpc-js names a caller; of both ports: see `#admit`. */
  readonly #connections = new Map<string, Connection>();
  readonly #doors = new Set<TlsDoor>();
  readonly #renewalListeners = new Set<() => void>();
  readonly #credentials = new Map<number, ChannelCredentials>();
  readonly #metrics: ListenMetrics;
  readonly #refusals: RefusalLog;
  readonly #stops: (() => void)[];
  #authorities: readonly TrustedAuthority[];

  constructor(parts: TlsTransportParts) {
    const { identity, settings, clock, log, registry } = parts;
    this.#parts = parts;
    this.#limits = new ConnectionLimits(settings);
    this.#refusals = new RefusalLog(log, () => clock.monotonicMs());
    this.#authorities = trustedAuthorities(identity.trust);
    this.#metrics = addListenMetrics(registry, {
      connections: () => this.#limits.size,
      handshakes: () => this.#limits.unfinished,
    });
    this.#stops = [identity.onRenewal(() => this.#renew()), clock.every(SWEEP_MS, () => this.#sweep())];
  }

  async listen(server: Server, address: string, setting: string): Promise<Listener> {
    const own = new Set<Connection>();
    const door: Door = {
      admit: (socket, begin) => this.#admit(socket, begin, own),
      opened: (socket) => this.#opened(socket),
      failed: (outcome) => this.#metrics.handshake(outcome),
    };
    const { identity, settings } = this.#parts;
    const opened = await TlsDoor.open({ server, address, setting, identity, handshakeMs: settings.handshakeMs, door });
    this.#doors.add(opened);
    return {
      port: opened.port,
      cut: (chosen) => {
        for (const each of own) if (each.facts !== undefined && chosen(each.facts)) this.#cut(each, 'order');
      },
      close: () => {
        this.#doors.delete(opened);
        opened.close();
        // Those that stand end with their server; these are not known to it yet.
        for (const each of own) if (!each.open) each.destroy();
      },
    };
  }

  peerCredentials(memberId: number): ChannelCredentials {
    const { trust, own } = this.#parts.identity;
    const made = this.#credentials.get(memberId) ?? channelCredentials({ trust, credentials: own, member: memberId });
    this.#credentials.set(memberId, made);
    return made;
  }

  onRenewal(listener: () => void): () => void {
    this.#renewalListeners.add(listener);
    return () => this.#renewalListeners.delete(listener);
  }

  connection(peer: string): ConnectionFacts | undefined {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return undefined;
    connection.used = true;
    if (connection.refusal !== undefined) throw connection.refusal;
    return connection.facts;
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const door of this.#doors) door.close();
    for (const connection of this.#connections.values()) connection.destroy();
  }

  /** Whether there is room for it. */
  #admit(socket: Socket, begin: () => void, own: Set<Connection>): boolean {
    const connection = new Connection(socket, begin, this.#parts.clock.monotonicMs());
    // A certificate that was shown at one port must never speak for who has come to the other from the same place.
    if (connection.key === undefined || this.#connections.has(connection.key)) {
      this.#refuse(connection, 'ambiguous', 'another one has its address and port already');
      return false;
    }
    const beginning = this.#limits.begin(connection, connection.address);
    if (beginning.kind === 'refuse') {
      this.#refuse(connection, beginning.fault, LIMIT_TEXTS[beginning.fault]);
      return false;
    }
    this.#connections.set(connection.key, connection);
    own.add(connection);
    connection.onClose(() => {
      this.#connections.delete(connection.key!);
      own.delete(connection);
      this.#limits.end(connection);
      this.#beginHeld();
    });
    if (beginning.kind === 'begin') {
      if (beginning.evict !== undefined) this.#evict(beginning.evict);
      connection.begin(this.#authorities);
    }
    return true;
  }

  #evict(connection: Connection): void {
    this.#refuse(connection, 'handshakes', LIMIT_TEXTS.handshakes);
    connection.destroy();
  }

  #beginHeld(): void {
    for (let next = this.#limits.takeHeld(); next !== undefined; next = this.#limits.takeHeld()) {
      next.begin(this.#authorities);
    }
  }

  /** The handshake is done; whether calls are to be taken on it. */
  #opened(socket: TLSSocket): boolean {
    const { clock, settings } = this.#parts;
    const connection = this.#connections.get(peerName(socket) ?? '');
    if (connection === undefined) return false;
    this.#metrics.handshake('done');
    connection.opened(socket, clock.monotonicMs());
    if (socket.isSessionReused()) {
      this.#refuse(connection, 'resumed', 'it goes on with an earlier one, whose certificate was not shown again');
      return false;
    }
    const verdict = verdictOf(socket);
    const judgement = judge(
      {
        address: connection.address,
        certificate: socket.getPeerX509Certificate(),
        verdict,
        outdated: connection.trusting !== this.#authorities,
      },
      {
        authorities: this.#authorities,
        nowMs: clock.wallMs(),
        renewExpiredWithinMs: settings.renewExpiredWithinMs,
      },
    );
    if ('fault' in judgement) {
      this.#metrics.refused(judgement.fault);
      this.#refusals.note(refusalOf(connection, judgement.fault, judgement.error));
      connection.refuse(judgement.error);
      // Its calls are answered with the reason, so that who made a mistake can tell which.
      const room = this.#limits.finish(connection, undefined) === undefined;
      this.#beginHeld();
      return room;
    }
    const { facts } = judgement;
    const holder = facts.subject === undefined ? undefined : subjectText(facts.subject);
    const fault = this.#limits.finish(connection, holder);
    this.#beginHeld();
    if (fault !== undefined) {
      this.#refuse(connection, fault, LIMIT_TEXTS[fault]);
      return false;
    }
    connection.proven(facts, clock.wallMs());
    return true;
  }

  #refuse(connection: Connection, reason: RefusalReason, why: string): void {
    this.#metrics.refused(reason);
    const { address } = connection;
    const message = `Refused a connection from "${address}": ${why}`;
    this.#refusals.note({ code: 'CELL_E_RATE_LIMITED', address, reason, message });
  }

  /** For all new connections; those that stand keep what they were made with, unless it is trusted no more. */
  #renew(): void {
    this.#credentials.clear();
    this.#authorities = trustedAuthorities(this.#parts.identity.trust);
    const trusted = new Set(this.#authorities.map(({ id }) => id));
    for (const door of this.#doors) door.renew(this.#parts.identity);
    for (const connection of this.#connections.values()) {
      const { facts } = connection;
      if (facts?.subject !== undefined && !trusted.has(facts.authorityId)) this.#cut(connection, 'untrusted');
    }
    for (const listener of this.#renewalListeners) listener();
  }

  #sweep(): void {
    const { clock } = this.#parts;
    this.#refusals.sweep();
    const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
    for (const connection of this.#connections.values()) {
      const reason = connection.overReason(wallMs, monotonicMs);
      if (reason !== undefined) this.#cut(connection, reason);
    }
  }

  #cut(connection: Connection, reason: CutReason): void {
    this.#metrics.cut(reason);
    connection.destroy();
  }
}

const LIMIT_TEXTS = {
  connections: 'there are too many in all (limits.connections)',
  address: 'there are too many of its kind (limits.connections_per_source)',
  handshakes: 'there are too many that have not finished their handshake (limits.handshakes)',
};

/** A code, though its type says otherwise. */
function verdictOf({ authorized, authorizationError }: TLSSocket): string | undefined {
  return authorized ? undefined : String(authorizationError);
}

function refusalOf({ address }: Connection, reason: RefusalReason, { code, message }: CellError) {
  return { code, address, reason, message };
}
