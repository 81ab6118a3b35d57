/** A command in an allocation, over a stream that a member carries to the allocation's agent. */
import {
  AllocationService,
  type ExecInputSchema,
  type ExecOutput,
  type ExecRequestSchema,
  type ExecResponse,
  type ExecStartSchema,
  methodDefinition,
  type Outgoing,
} from '@cell/proto';
import type { Client, ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { CellApiError } from './cell-api-error.ts';

export type ExecStart = Outgoing<typeof ExecStartSchema>;
export type ExecInput = Outgoing<typeof ExecInputSchema>;

type Call = ClientDuplexStream<Outgoing<typeof ExecRequestSchema>, ExecResponse>;

/** A command that an agent has taken on. Its call is cancelled, and the command ended, when the outputs are left. */
export interface BegunExec {
  outputs(input: AsyncIterable<ExecInput>): AsyncGenerator<ExecOutput>;
}

/** Resolves once an agent has taken the command on. Rejects with grpc-js's error, or with the signal's reason. */
export async function beginExec(
  client: Client,
  start: ExecStart,
  metadata: Metadata,
  signal: AbortSignal | undefined,
): Promise<BegunExec> {
  signal?.throwIfAborted();
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
  const call: Call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const messages: AsyncIterator<ExecResponse> = call[Symbol.asyncIterator]();
  const abort = () => call.cancel();
  const leave = () => {
    signal?.removeEventListener('abort', abort);
    call.cancel();
  };
  // Without a listener, a call that ends after its reader would end the process.
  call.on('error', () => {});
  signal?.addEventListener('abort', abort, { once: true });
  call.write({ message: { case: 'start', value: start } });
  try {
    const first = await messages.next();
    if (first.done === true) throw endedWithoutCode();
    return { outputs: (input) => outputs(call, first.value, messages, input, signal, leave) };
  } catch (error) {
    leave();
    throw signal?.aborted === true ? signal.reason : error;
  }
}

async function* outputs(
  call: Call,
  first: ExecResponse,
  messages: AsyncIterator<ExecResponse>,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal | undefined,
  leave: () => void,
): AsyncGenerator<ExecOutput> {
  let failure: { readonly error: unknown } | undefined;
  // Nobody waits for its end: the command may well end before its input does.
  void send(call, input).catch((error: unknown) => {
    failure = { error };
    call.cancel();
  });
  try {
    for (let message: ExecResponse | undefined = first; message !== undefined; ) {
      if (message.output !== undefined) yield message.output;
      if (message.output?.output.case === 'exitCode') return;
      const next: IteratorResult<ExecResponse> = await messages.next();
      message = next.done === true ? undefined : next.value;
    }
    throw endedWithoutCode();
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    throw signal?.aborted === true ? signal.reason : error;
  } finally {
    leave();
  }
}

async function send(call: Call, input: AsyncIterable<ExecInput>): Promise<void> {
  for await (const value of input) {
    if (call.writableEnded || call.destroyed) return;
    if (!call.write({ message: { case: 'input', value } })) await drained(call);
  }
}

/** Never, if the call ends before: then nothing is to be sent any more, and nobody waits for it. */
function drained(call: Call): Promise<void> {
  return new Promise((resolve) => {
    call.once('drain', resolve);
  });
}

function endedWithoutCode(): CellApiError {
  const message = 'The control plane ended the call without the exit code of the command; look what it has done';
  return new CellApiError('CELL_E_CONNECTION_LOST', message, true);
}
