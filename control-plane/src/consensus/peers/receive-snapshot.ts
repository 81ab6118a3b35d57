import type { SendSnapshotRequest } from '@cell/proto';
import type { Message, SnapshotData } from '@cell/raft';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import type { Clock } from '../../ports.ts';
import { readMessages } from './read-messages.ts';

/** How long the sender may take for the next chunk. */
const STALL_MS_MAX = 20_000;

/** What is answered; see `SendSnapshotResponse` of the contract. */
interface Answer {
  readonly progress: { readonly case: 'fromByte'; readonly value: bigint } | { case: 'accepted'; value: boolean };
}

export type SnapshotCall = ServerDuplexStream<SendSnapshotRequest, Answer>;

/**
 * Takes a snapshot from the stream: first what it is; then its data from where `accept` begins to read, as fast as it
 * stores that.
 */
export async function receiveSnapshot(
  call: SnapshotCall,
  clock: Clock,
  accept: (message: Message, data: SnapshotData) => Promise<void>,
): Promise<void> {
  const parts = watched(call, clock);
  try {
    const first = await parts.next();
    if (first.done === true || first.value.part.case !== 'offer') throw invalid('it does not begin with its offer');
    const { message: bytes, sizeBytes, checksum } = first.value.part.value;
    const [message, ...others] = readMessages(bytes);
    if (message?.type !== 'snapshot' || others.length > 0) throw invalid('its message is not that of a snapshot');
    const readFrom = (byte: number) => {
      call.write({ progress: { case: 'fromByte', value: BigInt(byte) } });
      return dataOf(parts);
    };
    const content = { sizeBytes: Number(sizeBytes), checksum, readFrom };
    await accept(message, { [Symbol.asyncIterator]: () => readFrom(0), content });
    call.write({ progress: { case: 'accepted', value: true } });
    call.end();
  } finally {
    await parts.return(undefined);
  }
}

/** Ends with the piece without data that tells the end: a stream that breaks off must never seem complete. */
async function* dataOf(parts: AsyncIterator<SendSnapshotRequest>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const next = await parts.next();
    if (next.done === true) throw new CellError('CELL_E_TIMEOUT', 'Sender of the snapshot broke off');
    const { part } = next.value;
    if (part.case !== 'data') throw invalid('its offer is followed by something else than data');
    if (part.value.length === 0) return;
    yield part.value;
  }
}

/** Throws when the sender stalls. */
async function* watched(call: SnapshotCall, clock: Clock): AsyncGenerator<SendSnapshotRequest> {
  const stalled = new CellError('CELL_E_TIMEOUT', `Snapshot stalled for ${STALL_MS_MAX} ms`);
  let stopTimer = clock.after(STALL_MS_MAX, () => call.destroy(stalled));
  try {
    // Ending the iteration must not end the call: the answer is still to come.
    for await (const part of call.iterator({ destroyOnReturn: false })) {
      stopTimer();
      yield part as SendSnapshotRequest;
      stopTimer = clock.after(STALL_MS_MAX, () => call.destroy(stalled));
    }
  } finally {
    stopTimer();
  }
}

function invalid(why: string): CellError {
  return new CellError('CELL_E_INVALID', `Cannot read the snapshot: ${why}`);
}
