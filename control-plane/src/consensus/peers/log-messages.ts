import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { LogStream, type RelayLogsResponse, type StreamLogsRequest } from '@cell/proto';
import { CellError } from '../../cell-error.ts';
import type { LogChunk, LogRequest } from '../../ports.ts';

const toWire = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;

/** What a reader of output asked for, as it is passed on to another member. */
export function logRequestToProto(request: LogRequest) {
  const { allocationId, follow, tailLines, sinceMs, cursor = '' } = request;
  const tail = tailLines === undefined ? {} : { tailLines };
  const since = sinceMs === undefined ? {} : { since: timestampFromMs(sinceMs) };
  return { allocationId, follow, stream: toWire[request.stream], cursor, ...tail, ...since };
}

/** Throws `CELL_E_INVALID`. */
export function logRequestFromProto(request: StreamLogsRequest): LogRequest {
  const { allocationId, follow, tailLines, stream, since, cursor } = request;
  return {
    allocationId,
    follow,
    tailLines,
    stream: stream === LogStream.UNSPECIFIED ? 'both' : streamFromProto(stream),
    cursor,
    ...(since === undefined ? {} : { sinceMs: calendarMs(timestampMs(since)) }),
  };
}

export function chunkToProto({ data, stream, cursor = '' }: LogChunk) {
  return { data, stream: toWire[stream], cursor };
}

export function chunkFromProto({ data, stream, cursor }: RelayLogsResponse): LogChunk {
  return { data, stream: streamFromProto(stream), cursor };
}

function streamFromProto(stream: LogStream): LogChunk['stream'] {
  return stream === LogStream.STDERR ? 'stderr' : 'stdout';
}

/** Beyond what a calendar has, times can't be passed on. */
function calendarMs(timeMs: number): number {
  if (Number.isNaN(new Date(timeMs).getTime())) {
    throw new CellError('CELL_E_INVALID', `Output can't be asked for since ${timeMs} ms after 1970`);
  }
  return timeMs;
}
