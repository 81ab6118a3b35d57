/**
 * Output of an allocation that goes on by itself where it broke off: members restart, agents move from one member to
 * another, and who follows output wants neither to lose nor to see twice what is written meanwhile.
 */
import type { Outgoing, StreamLogsRequestSchema, StreamLogsResponse } from '@cell/proto';
import { CellApiError } from './cell-api-error.ts';
import type { CallOptions } from './service-client.ts';

export type LogsRequest = Outgoing<typeof StreamLogsRequestSchema>;

export interface LogsOptions extends CallOptions {
  /** Told at each break, before it goes on. */
  readonly onBreak?: (error: CellApiError) => void;
}

/** What reading needs of the client and the world. */
export interface LogsParts {
  readonly stream: (request: LogsRequest, options: CallOptions) => AsyncIterable<StreamLogsResponse>;
  /** Never goes back, never jumps. */
  readonly monotonicMs: () => number;
  /** Rejects with the signal's reason once it is aborted. */
  readonly pause: (durationMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** After these, asking again is likely to help. */
const BREAKS: ReadonlySet<string> = new Set([
  'CELL_E_NODE_UNREACHABLE',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_NO_SESSION',
  'CELL_E_CONNECTION_LOST',
  'CELL_E_UNREACHABLE',
  'CELL_E_STARTING',
  'CELL_E_OVERLOADED',
  'CELL_E_TIMEOUT',
]);
const RESUME_PAUSE_MS = 500;
/** As long as one try after the other fails; an agent's restart or a new package take less. */
const RESUME_MS_MAX = 120_000;

/** Without cursors, which only some nodes give, it rejects at the first break as any stream does. */
export async function* readLogs(
  parts: LogsParts,
  request: LogsRequest,
  options: LogsOptions,
): AsyncGenerator<StreamLogsResponse> {
  let cursor = '';
  /** Output that came after the cursor: it comes again. */
  let bytesAfterCursor = 0;
  let firstFailureMs: number | undefined;
  for (;;) {
    let repeatedBytes = bytesAfterCursor;
    const startMs = parts.monotonicMs();
    try {
      const asked = cursor === '' ? request : { ...request, cursor };
      for await (const message of parts.stream(asked, options)) {
        firstFailureMs = undefined;
        const data = message.data.subarray(repeatedBytes);
        repeatedBytes -= message.data.length - data.length;
        bytesAfterCursor = message.cursor === '' ? bytesAfterCursor + data.length : repeatedBytes;
        if (message.cursor !== '') cursor = message.cursor;
        if (data.length > 0) yield { ...message, data };
      }
      return;
    } catch (error) {
      if (cursor === '' || !isBreak(error) || options.signal?.aborted === true) throw error;
      const nowMs = parts.monotonicMs();
      // A try that stood for long was none of those that fail one after the other, though nothing was written.
      if (nowMs - startMs > RESUME_MS_MAX) firstFailureMs = undefined;
      if (firstFailureMs === undefined) options.onBreak?.(error);
      firstFailureMs ??= nowMs;
      if (nowMs - firstFailureMs > RESUME_MS_MAX) throw error;
    }
    await parts.pause(RESUME_PAUSE_MS, options.signal);
  }
}

function isBreak(error: unknown): error is CellApiError {
  return error instanceof CellApiError && BREAKS.has(error.code);
}
