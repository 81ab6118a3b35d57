/**
 * Commands in allocations whose agents are connected here: asked for in the session, and carried by a stream that the
 * agent opens. Both directions wait for who reads slower, so that little is kept here however much is said.
 */
import { constants } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ExecInput,
  ExecOutput,
  ExecStart,
  Outgoing,
  ServeExecRequest,
  ServeExecResponseSchema,
} from '@cell/proto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { callStream, enteredCall } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { Clock } from '../ports.ts';
import { AgentAnswers, refusedByAgent } from './agent-answers.ts';
import type { AgentSession } from './agent-session.ts';
import { callError } from './call-error.ts';
import { nodeOf } from './node-caller.ts';

export type ExecCall = ServerDuplexStream<ServeExecRequest, Outgoing<typeof ServeExecResponseSchema>>;

interface Incoming {
  readonly call: ExecCall;
  readonly first: ServeExecRequest;
  readonly rest: AsyncIterator<ServeExecRequest>;
}

const openMax = 256;
/** A stream that was reset ends first, and says only some event-loop turns later that it was. */
const resetNoticeMs = 20;

export class AgentExecs {
  readonly #log: Logger;
  readonly #answers: AgentAnswers<Incoming>;

  constructor(clock: Clock, log: Logger) {
    this.#log = log;
    this.#answers = new AgentAnswers(clock, { what: 'what a command writes', openMax });
  }

  /**
   * Gives undefined once the agent has taken the command on, and reads from the input only then; then what it writes,
   * and last how it ended. The agent ends the command when the signal aborts or the reader stops.
   */
  async *run(
    session: AgentSession,
    start: ExecStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput | undefined> {
    const leave = this.#answers.enter();
    let incoming: Incoming | undefined;
    let ended = false;
    const stop = () => incoming !== undefined && reset(incoming.call);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const ask = (requestId: string) => ({ case: 'openExec', value: { requestId, start } }) as const;
      incoming = await this.#answers.ask(session, ask, signal);
      yield undefined;
      yield* outputs(incoming, input, signal);
      ended = true;
    } finally {
      signal.removeEventListener('abort', stop);
      if (incoming !== undefined) finish(incoming.call, ended);
      leave();
    }
  }

  /** Takes the stream that an agent opens to answer. */
  async accept(call: ExecCall): Promise<void> {
    try {
      const nodeId = nodeOf(enteredCall(call).caller);
      const messages: AsyncIterator<ServeExecRequest> = call[Symbol.asyncIterator]();
      const first = await this.#answers.named(nodeId, () => messages.next());
      if (first.done === true) throw new CellError('CELL_E_INVALID', 'The stream names no request');
      this.#answers.arrived(first.value.requestId, nodeId, { call, first: first.value, rest: messages });
    } catch (error) {
      // An agent that went away meanwhile is told nothing, and its request runs into its time-out.
      if (!call.cancelled) call.emit('error', callError(error, this.#log));
    }
  }
}

async function* outputs(
  incoming: Incoming,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncIterable<ExecOutput> {
  const { call, first, rest } = incoming;
  let failure: Error | undefined;
  let over = false;
  // Nobody waits for its end: it waits for the caller, who may have nothing more to say.
  void send(call, input, signal).catch((error: unknown) => {
    if (over) return;
    failure = error as Error;
    reset(call);
  });
  let message: ServeExecRequest | undefined = first;
  try {
    for (; message !== undefined; message = await following(rest)) {
      const { output, error } = message;
      if (error !== '') throw refusedByAgent(error, 'CELL_E_CANNOT_RUN');
      if (output?.output.case === undefined) continue;
      yield output;
      if (output.output.case === 'exitCode') return;
    }
  } finally {
    over = true;
  }
  if (failure !== undefined) throw failure;
  if (signal.aborted) return;
  const why = 'The agent went away while the command ran, and did not say how it ended; look what it has done';
  throw new CellError('CELL_E_NODE_UNREACHABLE', why);
}

/** The next message; undefined at the end of the stream, however it ended. */
async function following(rest: AsyncIterator<ServeExecRequest>): Promise<ServeExecRequest | undefined> {
  const next = await rest.next().catch(() => undefined);
  if (next !== undefined && next.done !== true) return next.value;
  await sleep(resetNoticeMs);
  return undefined;
}

async function send(call: ExecCall, input: AsyncIterable<ExecInput>, signal: AbortSignal): Promise<void> {
  for await (const item of input) {
    if (call.writableEnded || call.destroyed || signal.aborted) return;
    if (!call.write({ input: item })) await drained(call);
  }
}

/** Never, if the call ends before: then nothing is to be sent any more, and nobody waits for it. */
function drained(call: ExecCall): Promise<void> {
  return new Promise((resolve) => {
    call.once('drain', resolve);
  });
}

/** Once the agent has said how the command ended, nothing that still waits to be read by it matters. */
function finish(call: ExecCall, ended: boolean): void {
  if (ended && call.writableLength === 0) call.end();
  else reset(call);
}

/**
 * Breaks the stream off. An orderly end would come to the agent behind all that the command has not read, so perhaps
 * never.
 */
function reset(call: ExecCall): void {
  callStream(call).close(constants.NGHTTP2_CANCEL);
}
