import { constants } from 'node:crypto';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { TLS_VERSION } from '@cell/identity';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { listenError } from './listen-error.ts';
import type { HandshakeOutcome } from './listen-metrics.ts';
import type { OwnIdentity } from './own-identity.ts';
import { hostAndPort } from './peer-address.ts';

/** Who decides which connections come in. */
export interface Door {
  /** Whether it may stay; if not, it is ended. `begin` has its handshake begin, which may be later. */
  admit(socket: Socket, begin: () => void): boolean;
  /** Its handshake is done: whether calls are taken on it; if not, it is ended. */
  opened(socket: TLSSocket): boolean;
  failed(outcome: HandshakeOutcome): void;
}

export interface TlsDoorParts {
  readonly server: Server;
  /** "host:port". */
  readonly address: string;
  /** The key of the configuration that says so. */
  readonly setting: string;
  readonly identity: OwnIdentity;
  readonly handshakeMs: number;
  readonly door: Door;
}

/** Connections that the kernel keeps until they are taken; it takes its own limit if that is less. */
const BACKLOG = 4096;

/** A port of this member: takes connections, has TLS done on them, and gives them to the server for calls. */
export class TlsDoor {
  readonly port: number;
  readonly #listening: NetServer;
  readonly #tls: TlsServer;

  /** Rejects with `CELL_E_ADDRESS_IN_USE` or `CELL_E_CONFIG`. */
  static async open(parts: TlsDoorParts): Promise<TlsDoor> {
    const { identity, handshakeMs, door } = parts;
    const options = { ALPNProtocols: ['h2'], requestCert: true, rejectUnauthorized: false };
    const tls = createTlsServer({ ...contextOf(identity), ...options, handshakeTimeout: handshakeMs });
    // grpc-js takes what it is given as bytes of HTTP/2, whatever brings them.
    const injector = parts.server.createConnectionInjector(ServerCredentials.createInsecure());
    tls.on('secureConnection', (socket) => {
      // Nobody listens for errors of one that is refused.
      socket.on('error', ignore);
      if (socket.alpnProtocol !== 'h2' || !door.opened(socket)) socket.destroy();
      else injector.injectConnection(socket);
    });
    tls.on('tlsClientError', (error, socket) => {
      const { code } = error as NodeJS.ErrnoException;
      door.failed(code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'timeout' : 'failed');
      socket.destroy();
    });
    const listening = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', ignore);
      // Reset at once: nothing of it is to linger in the kernel.
      if (!door.admit(socket, () => tls.emit('connection', socket))) socket.resetAndDestroy();
    });
    await listen(listening, parts);
    return new TlsDoor(listening, tls);
  }

  private constructor(listening: NetServer, tls: TlsServer) {
    this.#listening = listening;
    this.#tls = tls;
    this.port = (listening.address() as AddressInfo).port;
  }

  /** For handshakes from now on. */
  renew(identity: OwnIdentity): void {
    this.#tls.setSecureContext(contextOf(identity));
  }

  /** Takes no more connections. */
  close(): void {
    this.#listening.close();
  }
}

function contextOf({ own, trust }: OwnIdentity): TlsOptions {
  return {
    key: own.privateKey,
    cert: own.chain,
    ca: [...trust],
    minVersion: TLS_VERSION,
    // No tickets: each connection shows its certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function ignore(): void {}

function listen(listening: NetServer, { address, setting }: TlsDoorParts): Promise<void> {
  const { host, port } = hostAndPort(address);
  return new Promise((resolve, reject) => {
    listening.once('error', (error) => reject(listenError(error, address, setting)));
    listening.listen({ host, port, backlog: BACKLOG }, resolve);
  });
}
