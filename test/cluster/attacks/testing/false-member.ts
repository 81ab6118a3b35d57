import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type Credentials, SERVER_NAME } from '@cell/identity';

/**
 * Somebody between clients and a member, who ends their TLS with a certificate of its own and reads all they say before
 * passing it on.
 */
export class FalseMember {
  readonly address: string;
  readonly #close: () => void;
  readonly #sockets: ReadonlySet<TLSSocket>;
  /** How often somebody came. */
  visits = 0;
  /** What they said then. */
  heard: Buffer = Buffer.alloc(0);

  private constructor(port: number, sockets: ReadonlySet<TLSSocket>, close: () => void) {
    this.address = `127.0.0.1:${port}`;
    this.#sockets = sockets;
    this.#close = close;
  }

  static async open({ privateKey, chain }: Credentials, memberPort: number): Promise<FalseMember> {
    const sockets = new Set<TLSSocket>();
    const options = { key: privateKey, cert: chain, ALPNProtocols: ['h2'], minVersion: 'TLSv1.3' } as const;
    const server = createServer(options, (near) => {
      const far = connect({
        host: '127.0.0.1',
        port: memberPort,
        servername: SERVER_NAME,
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
      });
      near.on('data', (data) => {
        opened.heard = Buffer.concat([opened.heard, data]);
        far.write(data);
      });
      far.pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => other.destroy());
      }
    });
    server.on('connection', () => {
      opened.visits += 1;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const opened = new FalseMember((server.address() as AddressInfo).port, sockets, () => server.close());
    return opened;
  }

  close(): void {
    this.#close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
