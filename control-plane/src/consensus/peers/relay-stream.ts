import { type EventEmitter, once } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';

/** What calls that are answered by a stream have in common. */
interface Call extends EventEmitter {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  write(message: unknown): boolean;
  end(): void;
}

/** Passes what comes from an agent that is connected here to a peer, no faster than the peer reads it. */
export function relayStream<C extends Call>(
  caller: (call: C) => number,
  open: (call: C, signal: AbortSignal) => AsyncIterable<unknown>,
): (call: C) => void {
  return (call) => {
    const reader = new AbortController();
    call.on('cancelled', () => reader.abort(new CellError('CELL_E_TIMEOUT', 'Reader has gone')));
    pipe(caller, open, call, reader.signal).then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', toServiceError(error));
      },
    );
  };
}

async function pipe<C extends Call>(
  caller: (call: C) => number,
  open: (call: C, signal: AbortSignal) => AsyncIterable<unknown>,
  call: C,
  signal: AbortSignal,
): Promise<void> {
  caller(call);
  for await (const message of open(call, signal)) {
    if (!call.write(message)) await once(call, 'drain', { signal });
  }
}
