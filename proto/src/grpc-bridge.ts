/**
 * Makes grpc-js speak the generated contracts. grpc-js wants, per method, a path and functions between messages and
 * buffers; protobuf-es has descriptors. This file imports neither side's runtime beyond protobuf-es: it gives the
 * plain objects that grpc-js takes.
 */
import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';

/** One method as grpc-js wants it (its `MethodDefinition`). */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** What may be given where a message goes out: the message itself, or its fields. */
export type Outgoing<D extends DescMessage> = MessageInitShape<D>;

export type RequestOf<M extends DescMethod> = MessageShape<M['input']>;
export type ResponseOf<M extends DescMethod> = MessageShape<M['output']>;

const definitions = new WeakMap<DescMethod, MethodDefinition<never, never>>();

/** The grpc-js definition of one generated method; made once per method. */
export function methodDefinition<M extends DescMethod>(
  method: M,
): MethodDefinition<Outgoing<M['input']>, MessageShape<M['output']>> {
  const known = definitions.get(method);
  if (known !== undefined) return known as never;
  const made = {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: serializer(method.input),
    requestDeserialize: deserializer(method.input),
    responseSerialize: serializer(method.output),
    responseDeserialize: deserializer(method.output),
  };
  definitions.set(method, made as never);
  return made as never;
}

/** All methods of a service under their local names (`getNode`), as grpc-js's `addService` takes them. */
export function serviceDefinition(service: DescService): Record<string, MethodDefinition<never, never>> {
  const entries = service.methods.map((method) => [method.localName, methodDefinition(method)] as const);
  return Object.fromEntries(entries) as never;
}

function serializer<D extends DescMessage>(schema: D): (message: MessageInitShape<D>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, create(schema, message));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserializer<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}

/** The part of grpc-js's `Client` that unary calls need; its overloads don't survive a more exact description. */
export interface UnaryCaller {
  makeUnaryRequest(...input: never[]): { cancel(): void };
}

type MakeUnaryRequest = (
  path: string,
  serialize: unknown,
  deserialize: unknown,
  request: unknown,
  metadata: object,
  options: object,
  callback: (error: Error | null, response?: unknown) => void,
) => { cancel(): void };

/**
 * Makes one unary call; rejects with grpc-js's `ServiceError`, or with the signal's reason once it is aborted.
 * `metadata` and `options` are grpc-js's `Metadata` and `CallOptions`.
 */
export function callUnary<M extends DescMethod & { methodKind: 'unary' }>(
  client: UnaryCaller,
  method: M,
  request: Outgoing<M['input']>,
  metadata: object,
  options: object,
  signal?: AbortSignal,
): Promise<MessageShape<M['output']>> {
  const definition = methodDefinition(method);
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const makeUnaryRequest = client.makeUnaryRequest.bind(client) as MakeUnaryRequest;
    const call = makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      metadata,
      options,
      (error, response) => {
        signal?.removeEventListener('abort', abort);
        if (error !== null) reject(signal?.aborted === true ? (signal.reason as Error) : error);
        else resolve(response as MessageShape<M['output']>);
      },
    );
    const abort = () => call.cancel();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
