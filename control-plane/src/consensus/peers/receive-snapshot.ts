import type { SendSnapshotRequest, SendSnapshotResponse } from '@cell/proto';
import { decodeMessages, type Message } from '@cell/raft';
import type { ServerReadableStream } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import type { Clock } from '../../ports.ts';

/** How long the sender may take for the next chunk. */
const STALL_MS_MAX = 20_000;

export type SnapshotCall = ServerReadableStream<SendSnapshotRequest, SendSnapshotResponse>;

/** Takes a snapshot from the stream: first its message, then its data, which is read as fast as `accept` stores it. */
export async function receiveSnapshot(
  call: SnapshotCall,
  clock: Clock,
  accept: (message: Message, data: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const parts = watched(call, clock);
  const first = await parts.next();
  if (first.done === true || first.value.part.case !== 'message') throw invalid('it does not begin with its message');
  const [message, ...others] = decodeMessages(first.value.part.value);
  if (message?.type !== 'snapshot' || others.length > 0) throw invalid('its message is not that of a snapshot');
  await accept(message, dataOf(parts));
}

/** Ends with the piece without data that tells the end: a stream that breaks off must never seem complete. */
async function* dataOf(parts: AsyncIterable<SendSnapshotRequest>): AsyncGenerator<Uint8Array> {
  for await (const { part } of parts) {
    if (part.case !== 'data') throw invalid('its message is followed by something else than data');
    if (part.value.length === 0) return;
    yield part.value;
  }
  throw new CellError('CELL_E_TIMEOUT', 'Sender of the snapshot broke off');
}

/** Throws when the sender stalls. */
async function* watched(call: SnapshotCall, clock: Clock): AsyncGenerator<SendSnapshotRequest> {
  const stalled = new CellError('CELL_E_TIMEOUT', `Snapshot stalled for ${STALL_MS_MAX} ms`);
  let stopTimer = clock.after(STALL_MS_MAX, () => call.destroy(stalled));
  try {
    for await (const part of call) {
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
