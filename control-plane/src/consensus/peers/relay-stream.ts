import { type EventEmitter, once } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';
import type { Directory } from './member-directory.ts';
import { removedError } from './peer-identity.ts';

/** What calls that are answered by a stream have in common. */
interface Call extends EventEmitter {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  write(message: unknown): boolean;
  end(): void;
}

/** Passes what comes from an agent that is connected here to a peer, no faster than the peer reads it, as long as it is one. */
export function relayStream<C extends Call>(
  caller: (call: C) => number,
  directory: Directory,
  open: (call: C, signal: AbortSignal) => AsyncIterable<unknown>,
): (call: C) => void {
  return (call) => {
    const reader = new AbortController();
    const { signal } = reader;
    let stop = () => {};
    let isRemoved = false;
    const removed = (from: number) => {
      if (isRemoved || !directory.removed(from)) return;
      isRemoved = true;
      const error = removedError(from, 'it was removed from the control plane');
      reader.abort(error);
      if (!call.cancelled) call.emit('error', toServiceError(error));
    };
    const watch = () => {
      const from = caller(call);
      stop = directory.listen(() => removed(from));
    };
    call.on('cancelled', () => reader.abort(new CellError('CELL_E_TIMEOUT', 'Reader has gone')));
    pipe(watch, open, call, signal)
      .then(
        () => isRemoved || call.end(),
        (error: unknown) => isRemoved || call.cancelled || call.emit('error', toServiceError(error)),
      )
      .finally(() => stop());
  };
}

async function pipe<C extends Call>(
  watch: () => void,
  open: (call: C, signal: AbortSignal) => AsyncIterable<unknown>,
  call: C,
  signal: AbortSignal,
): Promise<void> {
  watch();
  for await (const message of open(call, signal)) {
    if (signal.aborted) return;
    if (!call.write(message)) await once(call, 'drain', { signal });
  }
}
