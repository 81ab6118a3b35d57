/** A command in an allocation whose agent is connected to a peer. */
import type {
  ExecInput,
  ExecOutput,
  ExecStart,
  Outgoing,
  RelayExecRequestSchema,
  RelayExecResponse,
} from '@cell/proto';
import type { ClientDuplexStream } from '@grpc/grpc-js';

type Call = ClientDuplexStream<Outgoing<typeof RelayExecRequestSchema>, RelayExecResponse>;

/**
 * Gives what the peer gives. Reads from the input as fast as the peer does, and not before the peer has given something:
 * another one may still be asked. Rejects with grpc-js's error, or with what the input rejects with. The caller cancels
 * the call.
 */
export async function* runAtPeer(
  call: Call,
  start: ExecStart,
  input: AsyncIterable<ExecInput>,
): AsyncIterable<ExecOutput | undefined> {
  let failure: Error | undefined;
  let sending = false;
  // Without a listener, a call that ends after its reader would end the process.
  call.on('error', () => {});
  call.write({ message: { case: 'start', value: start } });
  try {
    for await (const { output } of call as AsyncIterable<RelayExecResponse>) {
      if (!sending) {
        sending = true;
        void send(call, input).catch((error: unknown) => {
          failure = error as Error;
          call.cancel();
        });
      }
      yield output;
    }
  } catch (error) {
    throw failure ?? error;
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
