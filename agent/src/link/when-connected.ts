import { type Client, connectivityState } from '@grpc/grpc-js';

/**
 * Tells once whether a client, of which a call is under way, has its connection at `deadlineMs` (milliseconds since 1970) at
 * the latest; nothing if it is closed before.
 *
 * In the place of `Client.waitForReady`, which wants a connection anew whenever the state changes, also when it changes to
 * closed (grpc-js 1.14): each client that was closed while it waited then connects as soon as somebody listens, and stays
 * connected for as long as this process lives.
 */
export function whenConnected(client: Client, deadlineMs: number, tell: (connected: boolean) => void): void {
  const channel = client.getChannel();
  const look = (): void => {
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.READY) tell(true);
    else if (state !== connectivityState.SHUTDOWN) channel.watchConnectivityState(state, deadlineMs, changed);
  };
  const changed = (error?: Error): void => {
    if (error === undefined) look();
    else tell(false);
  };
  look();
}
