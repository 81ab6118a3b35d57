import { once } from 'node:events';
import { methodDefinition, PeerService, type SendSnapshotResponse } from '@cell/proto';
import { encodeMessages, type Message, type SnapshotContent } from '@cell/raft';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import type { Clock } from '../../ports.ts';
import { identityMetadata, type PeerIdentity } from './peer-identity.ts';

const CHUNK_BYTES = 256 * 1024;

/** How long the receiver may take for its first answer, and for the next chunks. */
const STALL_MS_MAX = 10_000;

/** How long it may take to store and accept the whole, once it has all the data. */
const ACCEPT_MS_MAX = 120_000;

export interface SnapshotSending {
  readonly client: Client;
  readonly identity: PeerIdentity;
  readonly clock: Clock;
  readonly message: Message;
  readonly content: SnapshotContent;
}

/** What broke off looks to the receiver as if it had ended; so the end is told by a piece without data. */
const END = new Uint8Array();

type Part =
  | { part: { case: 'offer'; value: { message: Uint8Array; sizeBytes: bigint; checksum: number } } }
  | { part: { case: 'data'; value: Uint8Array } };

type Call = ClientDuplexStream<Part, SendSnapshotResponse>;

/**
 * Sends a snapshot, or what the receiver lacks of it, no faster than it is stored there. Rejects if it stalls, breaks
 * off or is refused.
 */
export async function sendSnapshot(sending: SnapshotSending): Promise<void> {
  const call = openCall(sending);
  const answers = new Answers(call);
  let stopTimer = () => {};
  const allow = (durationMs: number) => {
    stopTimer();
    stopTimer = sending.clock.after(durationMs, () => call.cancel());
  };
  try {
    allow(STALL_MS_MAX);
    call.write({ part: { case: 'offer', value: offerOf(sending) } });
    const first = await answers.next();
    if (first.case === 'accepted') return;
    for await (const value of chunks(sending.content.readFrom(Number(first.value)))) {
      if (!call.write({ part: { case: 'data', value } })) await Promise.race([once(call, 'drain'), answers.failed]);
      allow(STALL_MS_MAX);
    }
    call.write({ part: { case: 'data', value: END } });
    call.end();
    allow(ACCEPT_MS_MAX);
    if ((await answers.next()).case !== 'accepted') throw invalid('it asked for data twice');
  } finally {
    stopTimer();
    // Does nothing once the call is over; if reading our own data failed, the receiver must not take the rest for all.
    call.cancel();
  }
}

function offerOf({ message, content }: SnapshotSending) {
  const { sizeBytes, checksum } = content;
  return { message: encodeMessages([message]), sizeBytes: BigInt(sizeBytes), checksum };
}

function openCall({ client, identity }: SnapshotSending): Call {
  const method = methodDefinition(PeerService.method.sendSnapshot);
  return client.makeBidiStreamRequest<Part, SendSnapshotResponse>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    identityMetadata(identity),
  );
}

type Answer = Exclude<SendSnapshotResponse['progress'], { case: undefined }>;

/** What the receiver says, in order. */
class Answers {
  /** Never resolves; rejects with the call. */
  readonly failed: Promise<never>;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    // It may fail while nobody waits; whoever does so later still sees the failure.
    promise.catch(() => {});
    call.on('error', reject);
    call.on('end', () => reject(new CellError('CELL_E_PEER_UNREACHABLE', 'Receiver of the snapshot broke off')));
    call.pause();
  }

  async next(): Promise<Answer> {
    const answered = once(this.#call, 'data');
    answered.catch(() => {});
    this.#call.resume();
    const [{ progress }] = (await Promise.race([answered, this.failed])) as [SendSnapshotResponse];
    this.#call.pause();
    if (progress.case === undefined) throw invalid('its answer says nothing');
    return progress;
  }
}

function invalid(why: string): CellError {
  return new CellError('CELL_E_INVALID', `Cannot send the snapshot: ${why}`);
}

async function* chunks(data: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const piece of data) {
    for (let start = 0; start < piece.length; start += CHUNK_BYTES) yield piece.subarray(start, start + CHUNK_BYTES);
  }
}
