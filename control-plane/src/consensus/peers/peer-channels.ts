import { Client, connectivityState } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import type { Transport } from '../../ports.ts';
import { peerChannelOptions } from './channel-options.ts';
import type { PeerIdentity } from './peer-identity.ts';

/** How this member proves itself to its peers, and makes sure of them. */
export type PeerSecurity = Pick<Transport, 'peerCredentials' | 'onRenewal'>;

/**
 * One connection per peer for calls and snapshots, apart from the streams of Raft messages, which they must not delay.
 * Made when it is first wanted; those to members that were removed, or moved, are closed.
 */
export class PeerChannels {
  readonly #identity: PeerIdentity;
  readonly #security: PeerSecurity;
  readonly #clients = new Map<number, { readonly address: string; readonly client: Client }>();
  readonly #stops: (() => void)[];

  constructor(identity: PeerIdentity, security: PeerSecurity) {
    this.#identity = identity;
    this.#security = security;
    this.#stops = [identity.directory.listen(() => this.#closeStale()), security.onRenewal(() => this.#closeAll())];
  }

  client(peer: number): Client {
    const address = this.#address(peer);
    if (address === undefined) {
      throw new CellError('CELL_E_NOT_FOUND', `Cannot call member "${peer}": it does not belong to the control plane`);
    }
    const made = this.#clients.get(peer);
    if (made !== undefined) return made.client;
    const client = new Client(address, this.#security.peerCredentials(peer), peerChannelOptions);
    this.#clients.set(peer, { address, client });
    return client;
  }

  /** Whether a call made now would be sent. If not, this starts to connect. */
  connected(peer: number): boolean {
    if (this.#address(peer) === undefined) return false;
    return this.client(peer).getChannel().getConnectivityState(true) === connectivityState.READY;
  }

  /** It was heard of: a call to it must not fail because the last attempt to connect did. */
  peerIsUp(peer: number): void {
    const made = this.#clients.get(peer);
    if (made?.client.getChannel().getConnectivityState(false) !== connectivityState.TRANSIENT_FAILURE) return;
    this.#clients.delete(peer);
    made.client.close();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#closeAll();
  }

  #address(peer: number): string | undefined {
    const { directory, memberId } = this.#identity;
    return peer === memberId ? undefined : directory.find(peer)?.peers || undefined;
  }

  /** Calls that are under way go on; the next one makes a connection. */
  #closeAll(): void {
    for (const { client } of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #closeStale(): void {
    for (const [peer, { address, client }] of this.#clients) {
      if (this.#address(peer) === address) continue;
      this.#clients.delete(peer);
      client.close();
    }
  }
}
