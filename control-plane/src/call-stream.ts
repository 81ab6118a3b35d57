import type { Http2Stream } from 'node:http2';

/** What grpc-js wraps a stream in: one call in another, as many as there are interceptors. */
interface WrappedCall {
  readonly nextCall?: WrappedCall;
  readonly stream?: Http2Stream;
}

/** The stream of a call that a handler was given: grpc-js has no way for a server to break one off. */
export function callStream(call: unknown): Http2Stream {
  let { call: inner } = call as { readonly call: WrappedCall };
  while (inner.nextCall !== undefined) inner = inner.nextCall;
  return inner.stream!;
}
