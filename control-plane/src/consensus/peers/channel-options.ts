import { channelSecurityOptions } from '@cell/identity';
import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js';

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** A peer that is silent for KEEPALIVE_TIME_MS is pinged, and given up when it doesn't answer in KEEPALIVE_TIMEOUT_MS. */
const KEEPALIVE_TIME_MS = 1000;
const KEEPALIVE_TIMEOUT_MS = 1000;

/** grpc-js waits 1 s before it dials again by default: longer than a whole election. */
const DIAL_BACKOFF_MS_MIN = 50;
const DIAL_BACKOFF_MS_MAX = 1000;

/** Bytes on their way per connection before the receiver has to read: the default of 64 KiB is little for frames. */
const WINDOW_BYTES = 4 * 1024 * 1024;

const shared = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc-node.flow_control_window': WINDOW_BYTES,
  // Statistics of each call and stream that nobody reads here.
  'grpc.enable_channelz': 0,
};

export const peerChannelOptions: ChannelOptions = {
  ...shared,
  ...channelSecurityOptions,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': DIAL_BACKOFF_MS_MIN,
  'grpc.max_reconnect_backoff_ms': DIAL_BACKOFF_MS_MAX,
  // Connections of their own: closing one channel must not leave a half-dead connection to the next.
  'grpc.use_local_subchannel_pool': 1,
  // A proposal must never be sent twice behind our back.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

export const peerServerOptions: ServerOptions = {
  ...shared,
  // Streams per connection; each peer has two connections, with one long stream and unary calls.
  'grpc.max_concurrent_streams': 10_000,
};
