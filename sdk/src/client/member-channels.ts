/** One connection per member, made when it is first needed. */
import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import { unreachable } from './cell-api-error.ts';

const CHANNEL_OPTIONS = {
  // A member that came back is found soon.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // A member that vanished without a word ends long streams too.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  // Loopback and fleet addresses are never behind a web proxy.
  'grpc.enable_http_proxy': 0,
} as const;

export interface MemberChannels {
  to(address: string): Client;
  /** Resolves once the connection stands; rejects with `CELL_E_UNREACHABLE`. */
  ready(address: string, timeoutMs: number): Promise<Client>;
  close(): void;
}

export function memberChannels(): MemberChannels {
  const clients = new Map<string, Client>();
  const to = (address: string): Client => {
    const known = clients.get(address);
    if (known !== undefined) return known;
    const made = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    clients.set(address, made);
    return made;
  };
  return {
    to,
    ready(address, timeoutMs) {
      const client = to(address);
      const channel = client.getChannel();
      const untilMs = Date.now() + timeoutMs;
      return new Promise((resolve, reject) => {
        const look = () => {
          const state = channel.getConnectivityState(true);
          if (state === connectivityState.READY) return resolve(client);
          // It goes on trying by itself; meanwhile other members are asked.
          if (state === connectivityState.TRANSIENT_FAILURE) return reject(unreachable([address], undefined));
          channel.watchConnectivityState(state, untilMs, (error) => {
            if (error === undefined || error === null) look();
            else reject(unreachable([address], error));
          });
        };
        look();
      });
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}
