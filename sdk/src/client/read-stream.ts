import type { MessageShape } from '@bufbuild/protobuf';
import { methodDefinition, type Outgoing } from '@cell/proto';
import type { Client, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import type { StreamingMethod } from './service-client.ts';

/**
 * The messages of one server stream, as fast as they are taken: flow control reaches back to the server. The call is
 * cancelled when the reader stops; an aborted signal ends the stream without an error.
 */
export async function* readStream<M extends StreamingMethod>(
  client: Client,
  method: M,
  request: Outgoing<M['input']>,
  metadata: Metadata,
  signal: AbortSignal | undefined,
): AsyncGenerator<MessageShape<M['output']>> {
  if (isAborted(signal)) return;
  const definition = methodDefinition(method);
  const stream: ClientReadableStream<MessageShape<M['output']>> = client.makeServerStreamRequest(
    definition.path,
    definition.requestSerialize,
    definition.responseDeserialize,
    request,
    metadata,
  );
  const abort = () => stream.cancel();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const message of stream) yield message as MessageShape<M['output']>;
  } catch (error) {
    if (!isAborted(signal)) throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    stream.cancel();
  }
}

/** A call, since the compiler takes a property that it has seen to be false for false ever after. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
