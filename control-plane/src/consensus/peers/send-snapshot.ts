import { once } from 'node:events';
import { methodDefinition, PeerService } from '@cell/proto';
import { encodeMessages, type Message } from '@cell/raft';
import type { Client, ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../ports.ts';
import { identityMetadata, type PeerIdentity } from './peer-identity.ts';

const CHUNK_BYTES = 256 * 1024;

/** How long the receiver may take for the next chunks. */
const STALL_MS_MAX = 10_000;

/** How long it may take to store and accept the whole, once it has all the data. */
const ACCEPT_MS_MAX = 120_000;

export interface SnapshotSending {
  readonly client: Client;
  readonly identity: PeerIdentity;
  readonly clock: Clock;
  readonly message: Message;
  readonly data: AsyncIterable<Uint8Array>;
}

/** What broke off looks to the receiver as if it had ended; so the end is told by a piece without data. */
const END = new Uint8Array();

type Part = { part: { case: 'message' | 'data'; value: Uint8Array } };

/** Sends a snapshot, no faster than the receiver stores it. Rejects if it stalls, breaks off or is refused. */
export async function sendSnapshot(sending: SnapshotSending): Promise<void> {
  const { call, answered } = openCall(sending);
  let stopTimer = () => {};
  const allow = (durationMs: number) => {
    stopTimer();
    stopTimer = sending.clock.after(durationMs, () => call.cancel());
  };
  try {
    allow(STALL_MS_MAX);
    call.write({ part: { case: 'message', value: encodeMessages([sending.message]) } });
    for await (const value of chunks(sending.data)) {
      if (!call.write({ part: { case: 'data', value } })) {
        await Promise.race([once(call, 'drain'), answered.then(refuseEarly)]);
      }
      allow(STALL_MS_MAX);
    }
    call.write({ part: { case: 'data', value: END } });
    call.end();
    allow(ACCEPT_MS_MAX);
    await answered;
  } finally {
    stopTimer();
    // Does nothing once the call is over; if reading our own data failed, the receiver must not take the rest for all.
    call.cancel();
  }
}

function openCall({ client, identity }: SnapshotSending): {
  call: ClientWritableStream<Part>;
  answered: Promise<void>;
} {
  const method = methodDefinition(PeerService.method.sendSnapshot);
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  const call = client.makeClientStreamRequest<Part, unknown>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    identityMetadata(identity),
    (error: ServiceError | null) => (error === null ? resolve() : reject(error)),
  );
  // It may fail while we wait for something else; whoever awaits it later still sees the failure.
  answered.catch(() => {});
  // The callback above tells what went wrong; without a listener here it would end the process.
  call.on('error', () => {});
  return { call, answered };
}

function refuseEarly(): never {
  throw new Error('Peer accepted a snapshot before it had all of it');
}

async function* chunks(data: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const piece of data) {
    for (let start = 0; start < piece.length; start += CHUNK_BYTES) yield piece.subarray(start, start + CHUNK_BYTES);
  }
}
