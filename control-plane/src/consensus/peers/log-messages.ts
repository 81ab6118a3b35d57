import { LogStream, type StreamLogsRequest } from '@cell/proto';
import type { LogChunk, LogRequest } from '../../ports.ts';

const toWire = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;

/** What a reader of output asked for, as it is passed on to another member. */
export function logRequestToProto(request: LogRequest) {
  const { allocationId, follow, tailLines } = request;
  const tail = tailLines === undefined ? {} : { tailLines };
  return { allocationId, follow, stream: toWire[request.stream], ...tail };
}

export function logRequestFromProto(request: StreamLogsRequest): LogRequest {
  const { allocationId, follow, tailLines, stream } = request;
  return {
    allocationId,
    follow,
    tailLines,
    stream: stream === LogStream.UNSPECIFIED ? 'both' : streamFromProto(stream),
  };
}

export function logStreamToProto(stream: LogChunk['stream']): LogStream {
  return toWire[stream];
}

export function streamFromProto(stream: LogStream): LogChunk['stream'] {
  return stream === LogStream.STDERR ? 'stderr' : 'stdout';
}
