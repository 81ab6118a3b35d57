import { channelSecurityOptions } from '@cell/identity';
import { Client } from '@grpc/grpc-js';
import type { LinkSecurity } from '../ports.ts';

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** A silent network shows within five seconds, also between heartbeats. */
const CHANNEL_OPTIONS = {
  ...channelSecurityOptions,
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
};

/** For calls to the member at "host:port", over a connection of its own. */
export function memberClient(address: string, security: LinkSecurity): Client {
  return new Client(address, security.credentials(), CHANNEL_OPTIONS);
}
