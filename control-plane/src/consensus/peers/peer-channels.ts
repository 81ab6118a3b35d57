import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import { peerChannelOptions } from './channel-options.ts';
import type { PeerIdentity } from './peer-identity.ts';

/** One connection per peer for calls and snapshots, apart from the streams of Raft messages, which they must not delay. */
export class PeerChannels {
  readonly #clients = new Map<number, Client>();

  constructor(identity: PeerIdentity) {
    for (const { id, peers } of identity.members) {
      if (id === identity.memberId) continue;
      this.#clients.set(id, new Client(peers, credentials.createInsecure(), peerChannelOptions));
    }
  }

  client(peer: number): Client {
    const client = this.#clients.get(peer);
    if (client !== undefined) return client;
    throw new CellError('CELL_E_NOT_FOUND', `Cannot call member "${peer}": it is not in the configuration`);
  }

  /** Whether a call made now would be sent. If not, this starts to connect. */
  connected(peer: number): boolean {
    return this.client(peer).getChannel().getConnectivityState(true) === connectivityState.READY;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
