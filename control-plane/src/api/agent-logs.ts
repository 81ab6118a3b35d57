/** Output of allocations whose agents are connected here: asked for in the session, received in a stream of its own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogStream, type SendLogsRequest, type SendLogsResponse } from '@cell/proto';
import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, LogChunk, LogRequest } from '../ports.ts';
import type { AgentSession } from './agent-session.ts';
import { callError } from './call-error.ts';

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

interface Waiting {
  readonly arrived: (incoming: Incoming) => void;
}

const answerTimeoutMs = 10_000;
const openMax = 1_000;
/** A stream that was reset ends first, and says only some event-loop turns later that it was. */
const resetNoticeMs = 20;

export class AgentLogs {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting = new Map<string, Waiting>();
  #open = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads no faster than it is read from. Ends quietly once the signal aborts. */
  async *read(session: AgentSession, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    if (this.#open >= openMax) {
      throw new CellError('CELL_E_OVERLOADED', `This member passes on ${openMax} outputs already; try again later`);
    }
    this.#open += 1;
    let incoming: Incoming | undefined;
    const stop = () => incoming?.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      incoming = await this.#ask(session, request, signal);
      yield* chunks(incoming, signal);
    } finally {
      signal.removeEventListener('abort', stop);
      incoming?.end();
      this.#open -= 1;
    }
  }

  async #ask(session: AgentSession, request: LogRequest, signal: AbortSignal): Promise<Incoming> {
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<Incoming>();
    const gone = () => reject(new CellError('CELL_E_TIMEOUT', 'The reader has gone'));
    const cancelTimeout = this.#clock.after(answerTimeoutMs, () => {
      const message = `The agent did not send output within ${answerTimeoutMs / 1_000} s; try again`;
      reject(new CellError('CELL_E_NODE_UNREACHABLE', message));
    });
    this.#waiting.set(requestId, { arrived: resolve });
    signal.addEventListener('abort', gone, { once: true });
    try {
      signal.throwIfAborted();
      session.requestLogs({ case: 'openLogs', value: { requestId, request: logRequestToProto(request) } });
      return await promise;
    } finally {
      this.#waiting.delete(requestId);
      cancelTimeout();
      signal.removeEventListener('abort', gone);
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
      const messages: AsyncIterator<SendLogsRequest> = call[Symbol.asyncIterator]();
      const first = await messages.next().catch((error: unknown) => {
        throw new CellError('CELL_E_NODE_UNREACHABLE', 'The agent went away before it sent output', { cause: error });
      });
      if (first.done === true) throw new CellError('CELL_E_INVALID', 'Output came without the id of its request');
      const waiting = this.#waiting.get(first.value.requestId);
      if (waiting === undefined) throw new CellError('CELL_E_NOT_FOUND', 'Nobody waits for this output any more');
      waiting.arrived({ first: first.value, rest: messages, brokenOff: () => call.cancelled, end });
    } catch (error) {
      end(error);
    }
  }
}

async function* chunks(incoming: Incoming, signal: AbortSignal): AsyncIterable<LogChunk> {
  let message: SendLogsRequest | undefined = incoming.first;
  for (; message !== undefined; message = await following(incoming, signal)) {
    if (message.error !== '') throw new CellError('CELL_E_NOT_FOUND', message.error);
    if (message.data.length === 0) continue;
    yield { data: message.data, stream: message.stream === LogStream.STDERR ? 'stderr' : 'stdout' };
  }
}

async function following({ rest, brokenOff }: Incoming, signal: AbortSignal): Promise<SendLogsRequest | undefined> {
  const next = await rest.next().catch(() => undefined);
  if (next !== undefined && next.done !== true) return next.value;
  await sleep(resetNoticeMs);
  if (signal.aborted || (next !== undefined && !brokenOff())) return undefined;
  throw new CellError('CELL_E_NODE_UNREACHABLE', 'The agent went away while it sent output; try again');
}

function logRequestToProto({ allocationId, follow, tailLines, stream }: LogRequest) {
  const streams = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;
  return { allocationId, follow, stream: streams[stream], ...(tailLines === undefined ? {} : { tailLines }) };
}
