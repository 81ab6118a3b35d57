/** Output of allocations whose agents are connected here: asked for in the session, received in a stream of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LogStream, type SendLogsRequest, type SendLogsResponse } from '@cell/proto';
import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { enteredCall } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { Clock, LogChunk, LogRequest } from '../ports.ts';
import { AgentAnswers, refusedByAgent } from './agent-answers.ts';
import type { AgentSession } from './agent-session.ts';
import { callError } from './call-error.ts';
import { nodeOf } from './node-caller.ts';

export type LogsCall = ServerReadableStream<SendLogsRequest, SendLogsResponse>;

/** A stream that an agent has opened for one request. */
interface Incoming {
  readonly first: SendLogsRequest;
  readonly rest: AsyncIterator<SendLogsRequest>;
  /** The agent has gone without finishing; then `rest` ends as if it had. */
  readonly brokenOff: () => boolean;
  /** Ends the agent's stream. */
  readonly end: () => void;
}

const openMax = 1_000;
/** A stream that was reset ends first, and says only some event-loop turns later that it was. */
const resetNoticeMs = 20;

export class AgentLogs {
  readonly #log: Logger;
  readonly #answers: AgentAnswers<Incoming>;

  constructor(clock: Clock, log: Logger) {
    this.#log = log;
    this.#answers = new AgentAnswers(clock, { what: 'output', openMax });
  }

  /** Reads no faster than it is read from. Ends quietly once the signal aborts. */
  async *read(session: AgentSession, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    const leave = this.#answers.enter();
    let incoming: Incoming | undefined;
    const stop = () => incoming?.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const open = { request: logRequestToProto(request) };
      const ask = (requestId: string) => ({ case: 'openLogs', value: { requestId, ...open } }) as const;
      incoming = await this.#answers.ask(session, ask, signal);
      yield* chunks(incoming, signal);
    } finally {
      signal.removeEventListener('abort', stop);
      incoming?.end();
      leave();
    }
  }

  /** Takes the stream that an agent opens to answer. */
  async accept(call: LogsCall, answer: sendUnaryData<SendLogsResponse>): Promise<void> {
    let ended = false;
    const end = (error?: unknown) => {
      if (ended) return;
      ended = true;
      if (error === undefined) answer(null, {} as SendLogsResponse);
      else answer(callError(error, this.#log));
      call.destroy();
    };
    try {
      const nodeId = nodeOf(enteredCall(call).caller);
      const messages: AsyncIterator<SendLogsRequest> = call[Symbol.asyncIterator]();
      const next = () =>
        messages.next().catch((error: unknown) => {
          throw new CellError('CELL_E_NODE_UNREACHABLE', 'The agent went away before it sent output', { cause: error });
        });
      const first = await this.#answers.named(nodeId, next);
      if (first.done === true) throw new CellError('CELL_E_INVALID', 'Output came without the id of its request');
      const incoming = { first: first.value, rest: messages, brokenOff: () => call.cancelled, end };
      this.#answers.arrived(first.value.requestId, nodeId, incoming);
    } catch (error) {
      end(error);
    }
  }
}

async function* chunks(incoming: Incoming, signal: AbortSignal): AsyncIterable<LogChunk> {
  let message: SendLogsRequest | undefined = incoming.first;
  for (; message !== undefined; message = await following(incoming, signal)) {
    const { data, cursor, error } = message;
    if (error !== '') throw refusedByAgent(error, 'CELL_E_NOT_FOUND');
    if (data.length === 0 && cursor === '') continue;
    yield { data, cursor, stream: message.stream === LogStream.STDERR ? 'stderr' : 'stdout' };
  }
}

async function following({ rest, brokenOff }: Incoming, signal: AbortSignal): Promise<SendLogsRequest | undefined> {
  const next = await rest.next().catch(() => undefined);
  if (next !== undefined && next.done !== true) return next.value;
  await sleep(resetNoticeMs);
  if (signal.aborted || (next !== undefined && !brokenOff())) return undefined;
  throw new CellError('CELL_E_NODE_UNREACHABLE', 'The agent went away while it sent output; try again');
}

function logRequestToProto({ allocationId, follow, tailLines, stream, sinceMs, cursor = '' }: LogRequest) {
  const streams = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;
  const tail = tailLines === undefined ? {} : { tailLines };
  const since = sinceMs === undefined ? {} : { since: timestampFromMs(sinceMs) };
  return { allocationId, follow, stream: streams[stream], cursor, ...tail, ...since };
}
