/** A service as an object: one function per method, typed by its contract. */
import type { DescMessage, DescMethod, DescService, MessageShape } from '@bufbuild/protobuf';
import type { Outgoing } from '@cell/proto';

export type UnaryMethod = DescMethod & { readonly methodKind: 'unary' };
export type StreamingMethod = DescMethod & { readonly methodKind: 'server_streaming' };

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the call with all its attempts; of a stream, until its connection stands. Default: the client's. */
  readonly timeoutMs?: number;
  /** The call may be made twice without harm. Default: true for reads, and for changes that are idempotent. */
  readonly repeatable?: boolean;
  /** Attempts at most, over all members. Default: a few rounds through them. */
  readonly attemptsMax?: number;
}

interface TypedMethod {
  readonly methodKind: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
}

type ClientMethod<M extends TypedMethod> = M['methodKind'] extends 'server_streaming'
  ? (request: Outgoing<M['input']>, options?: CallOptions) => AsyncIterable<MessageShape<M['output']>>
  : (request: Outgoing<M['input']>, options?: CallOptions) => Promise<MessageShape<M['output']>>;

type CalledKind = 'unary' | 'server_streaming';

/**
 * `GetNode` is called `getNode`; streams are async iterables, all else promises. Both reject with `CellApiError`.
 * Streams in both directions have functions of their own in `CellClient`.
 */
export type ServiceClient<S extends DescService> = {
  readonly [K in keyof S['method'] as S['method'][K]['methodKind'] extends CalledKind ? K : never]: ClientMethod<
    S['method'][K]
  >;
};

/** What carries the calls out. */
export interface Caller {
  call(method: UnaryMethod, request: never, options?: CallOptions): Promise<unknown>;
  stream(method: StreamingMethod, request: never, options?: CallOptions): AsyncIterable<unknown>;
}

export function serviceClient<S extends DescService>(service: S, caller: Caller): ServiceClient<S> {
  const called = service.methods.filter(
    ({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming',
  );
  const methods = called.map((method) => {
    const call = (request: never, options?: CallOptions) =>
      method.methodKind === 'server_streaming'
        ? caller.stream(method as StreamingMethod, request, options)
        : caller.call(method as UnaryMethod, request, options);
    return [method.localName, call] as const;
  });
  return Object.fromEntries(methods) as unknown as ServiceClient<S>;
}
