/** One connection per member, made when it is first needed. */
import { callUnary, IdentityService } from '@cell/proto';
import { Client, connectivityState, type Metadata } from '@grpc/grpc-js';
import { CellApiError, toCellApiError, unreachable } from './cell-api-error.ts';
import type { ClientSecurity } from './client-identity.ts';

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

/** It is answered at once, without leaving this machine, unless the connection has come to stand meanwhile. */
const ASK_WHY_MS_MAX = 1_000;

export interface MemberChannels {
  /** Its connection may still have to be made. Rejects with `CellApiError` while it is not known whom to trust. */
  to(address: string, timeoutMs: number): Promise<Client>;
  /** Resolves once the connection stands; rejects with `CELL_E_UNREACHABLE`, or says why it can't be trusted. */
  ready(address: string, timeoutMs: number): Promise<Client>;
  close(): void;
}

export function memberChannels(security: ClientSecurity): MemberChannels {
  const clients = new Map<string, Client>();
  const to = async (address: string, timeoutMs: number): Promise<Client> => {
    const credentials = await security.channel(address, timeoutMs);
    const known = clients.get(address);
    if (known !== undefined) return known;
    const made = new Client(address, credentials, { ...CHANNEL_OPTIONS, ...security.channelOptions });
    clients.set(address, made);
    return made;
  };
  return {
    to,
    async ready(address, timeoutMs) {
      const untilMs = Date.now() + timeoutMs;
      const client = await to(address, timeoutMs);
      if (!(await connected(client, untilMs))) await askWhy(client, address, security.metadata());
      return client;
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

/** Whether the connection stands; false as soon as one attempt has failed. It goes on trying by itself. */
function connected(client: Client, untilMs: number): Promise<boolean> {
  const channel = client.getChannel();
  return new Promise((resolve) => {
    // Wanted once: a channel that is closed meanwhile would connect again if it were then.
    const look = (wanted: boolean) => {
      const state = channel.getConnectivityState(wanted);
      if (state === connectivityState.READY) return resolve(true);
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return resolve(false);
      channel.watchConnectivityState(state, untilMs, (error) => {
        if (error === undefined || error === null) look(false);
        else resolve(false);
      });
    };
    look(true);
  });
}

/** A channel does not tell why it is not connected, but its calls do. Resolves if it is connected after all. */
async function askWhy(client: Client, address: string, metadata: Metadata): Promise<void> {
  const deadline = new Date(Date.now() + ASK_WHY_MS_MAX);
  const error = await callUnary(client, IdentityService.method.getCaller, {}, metadata, { deadline }).then(
    () => undefined,
    (failure: unknown) => toCellApiError(failure, address),
  );
  if (!(error instanceof CellApiError) || error.reached) return;
  throw error.code === 'CELL_E_TIMEOUT' ? unreachable([address], error) : error;
}
