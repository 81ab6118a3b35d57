import { credentials, type Server, ServerCredentials } from '@grpc/grpc-js';
import type { Listener, Transport } from '../../ports.ts';
import { listenError } from '../listen-error.ts';
import { plainAddress } from '../peer-address.ts';

/** Connections in plain text, on which nobody proves anything: for tests, and to measure what security costs. */
export function plainTransport(): Transport {
  return {
    async listen(server, address, setting) {
      const port = await bind(server, address, setting);
      return { port, cut: () => {}, close: () => {} } satisfies Listener;
    },
    peerCredentials: () => credentials.createInsecure(),
    onRenewal: () => () => {},
    connection: (peer) => ({ address: addressOfPeer(peer), subject: undefined, authorityId: '', expiresAtMs: 0 }),
  };
}

function bind(server: Server, address: string, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(listenError(error, address, setting));
    });
  });
}

/** Of "address:port", as grpc-js names a caller. */
function addressOfPeer(peer: string): string {
  return plainAddress(peer.slice(0, Math.max(0, peer.lastIndexOf(':'))));
}
