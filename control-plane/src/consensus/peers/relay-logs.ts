import { once } from 'node:events';
import type { RelayLogsRequest } from '@cell/proto';
import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';
import type { PeerRequests } from '../../ports.ts';
import { logRequestFromProto, logStreamToProto } from './log-messages.ts';

type Call = ServerWritableStream<RelayLogsRequest, { data: Uint8Array; stream: number }>;

/** Passes output of an allocation whose agent is connected here to a peer, no faster than the peer reads it. */
export function relayLogs(caller: (metadata: Metadata) => number, requests: PeerRequests): (call: Call) => void {
  return (call) => {
    const reader = new AbortController();
    call.on('cancelled', () => reader.abort(new CellError('CELL_E_TIMEOUT', 'Reader has gone')));
    pipe(caller, requests, call, reader.signal).then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', toServiceError(error));
      },
    );
  };
}

async function pipe(
  caller: (metadata: Metadata) => number,
  requests: PeerRequests,
  call: Call,
  signal: AbortSignal,
): Promise<void> {
  caller(call.metadata);
  if (call.request.request === undefined) throw new CellError('CELL_E_INVALID', 'Request names no allocation');
  for await (const { data, stream } of requests.openLogs(logRequestFromProto(call.request.request), signal)) {
    if (!call.write({ data, stream: logStreamToProto(stream) })) await once(call, 'drain', { signal });
  }
}
